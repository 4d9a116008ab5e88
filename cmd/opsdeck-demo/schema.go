package main

// database is the schema of the sales system.
const database = "qianzhang_sales"

// schema is the field's tables, and a view, a trigger and a procedure, so that a
// backup has more than tables to hold.
var schema = []string{
	"CREATE TABLE customers (id BIGINT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(255) NOT NULL, contact " +
		"VARCHAR(100), phone VARCHAR(50), address VARCHAR(500), credit_limit DECIMAL(12,2) NOT NULL DEFAULT '0.00', " +
		"created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
	"CREATE TABLE products (id INT PRIMARY KEY AUTO_INCREMENT, sku VARCHAR(40) NOT NULL, name VARCHAR(255) NOT " +
		"NULL, unit VARCHAR(20) NOT NULL, price DECIMAL(10,2) NOT NULL, stock DECIMAL(12,3) NOT NULL, created_at " +
		"TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, UNIQUE KEY uq_sku (sku))",
	"CREATE TABLE orders (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_no VARCHAR(50) NOT NULL, customer_id BIGINT " +
		"NOT NULL, status VARCHAR(30) NOT NULL, total_amount DECIMAL(12,2) NOT NULL, remark VARCHAR(500), " +
		"created_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), UNIQUE KEY uq_order_no (order_no), KEY " +
		"idx_customer (customer_id), KEY idx_status (status, created_at))",
	"CREATE TABLE order_items (id BIGINT PRIMARY KEY AUTO_INCREMENT, order_id BIGINT NOT NULL, product_id INT NOT " +
		"NULL, qty DECIMAL(10,3) NOT NULL, price DECIMAL(10,2) NOT NULL, KEY idx_order (order_id))",
	"CREATE TABLE ar_invoices (id BIGINT PRIMARY KEY AUTO_INCREMENT, invoice_no VARCHAR(50) NOT NULL, order_id " +
		"BIGINT NOT NULL, amount DECIMAL(12,2) NOT NULL, due_date DATE NOT NULL, paid TINYINT NOT NULL DEFAULT '0', " +
		"created_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, KEY idx_order (order_id))",
	"CREATE TABLE ar_payments (id BIGINT PRIMARY KEY AUTO_INCREMENT, payment_no VARCHAR(50) NOT NULL, customer_id " +
		"BIGINT NOT NULL, amount DECIMAL(12,2) NOT NULL, method VARCHAR(20) NOT NULL, created_at TIMESTAMP NOT NULL " +
		"DEFAULT CURRENT_TIMESTAMP)",
	"CREATE TABLE ar_payment_applications (id BIGINT PRIMARY KEY AUTO_INCREMENT, payment_id BIGINT NOT NULL, " +
		"invoice_id BIGINT NOT NULL, amount DECIMAL(12,2) NOT NULL, created_at TIMESTAMP NOT NULL DEFAULT " +
		"CURRENT_TIMESTAMP, KEY idx_payment (payment_id))",
	"CREATE TABLE audit_logs (id BIGINT PRIMARY KEY AUTO_INCREMENT, user_id BIGINT, action VARCHAR(50) NOT NULL, " +
		"resource_type VARCHAR(50) NOT NULL, resource_id VARCHAR(100) NOT NULL, old_value JSON, new_value JSON, " +
		"ip_address VARCHAR(50), user_agent TEXT, api_path VARCHAR(255), request_body JSON, http_method " +
		"VARCHAR(10), idempotency_key VARCHAR(100), response_data JSON, created_at TIMESTAMP(6) NOT NULL DEFAULT " +
		"CURRENT_TIMESTAMP(6), KEY idx_resource (resource_type, resource_id), KEY idx_user (user_id, created_at), " +
		"UNIQUE KEY uq_idempotency (idempotency_key))",
}

// columns are the tables in the order in which rows are put in, with the columns
// that the rows of dataset give.
var columns = []struct{ table, names string }{
	{"customers", "id, name, contact, phone, address, credit_limit, created_at"},
	{"products", "id, sku, name, unit, price, stock, created_at"},
	{"orders", "id, order_no, customer_id, status, total_amount, remark, created_at"},
	{"order_items", "id, order_id, product_id, qty, price"},
	{"ar_invoices", "id, invoice_no, order_id, amount, due_date, paid, created_at"},
	{"ar_payments", "id, payment_no, customer_id, amount, method, created_at"},
	{"ar_payment_applications", "id, payment_id, invoice_id, amount, created_at"},
	{
		"audit_logs",
		"id, user_id, action, resource_type, resource_id, old_value, new_value, ip_address, user_agent, api_path, " +
			"request_body, http_method, idempotency_key, response_data, created_at",
	},
}
