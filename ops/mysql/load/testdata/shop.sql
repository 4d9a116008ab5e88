SET NAMES utf8mb4;
CREATE TABLE customers (id BIGINT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(100) NOT NULL COMMENT '名称; "quoted" and ''single''', note TEXT, score DOUBLE, price FLOAT, bits BIT(5), raw VARBINARY(20), b BLOB, j JSON, e ENUM('x','y') , created TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6), twice BIGINT GENERATED ALWAYS AS (length(name) * 2) STORED, KEY (name), UNIQUE KEY u (raw)) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4;
CREATE TABLE orders (id INT PRIMARY KEY AUTO_INCREMENT, customer BIGINT, no VARCHAR(30), UNIQUE KEY (no), KEY k2 (customer, no), CONSTRAINT f FOREIGN KEY (customer) REFERENCES customers (id)) ENGINE=InnoDB;
INSERT INTO customers (id, name, note, score, price, bits, raw, b, j, e, created) VALUES
 (1, '千张', 'it''s; a \\ "b" \n \t \0 \Z %_ \\% 😀', 0.1, 1.17549e-38, b'101', x'00FF27', x'5C27220A', '{"a": "\\u4e2d;"}', 'x', '2026-01-29 12:00:00.123456'),
 (2, 'DELIMITER ;; USE x', NULL, -1.7976931348623157e308, 3.4e38, NULL, '', '', NULL, 'y', '2000-01-01 00:00:00.000001'),
 (-5, '', '', 0, 0, 0, NULL, NULL, '[]', NULL, NULL);
INSERT INTO orders (customer, no) VALUES (1, 'a'), (2, NULL), (NULL, 'it''s'), (-5, '\\');
CREATE VIEW v AS SELECT c.id, c.name, o.no FROM customers c JOIN orders o ON o.customer = c.id;
CREATE VIEW vv AS SELECT * FROM v WHERE no <> 'x; y';
DELIMITER $$
CREATE TRIGGER t1 BEFORE INSERT ON orders FOR EACH ROW BEGIN IF NEW.no = 'zz' THEN SET NEW.no = 'a;b'; END IF; END$$
CREATE PROCEDURE p(IN a INT) COMMENT 'a; b' BEGIN SELECT COUNT(*) FROM customers WHERE id > a; /* ; */ END$$
CREATE FUNCTION f(a INT) RETURNS INT DETERMINISTIC RETURN a + 1$$
CREATE EVENT e ON SCHEDULE EVERY 1 YEAR STARTS '2035-01-01 00:00:00' DO BEGIN DELETE FROM orders WHERE id < 0; END$$
DELIMITER ;
