package dump

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"

	"opsdeck/internal/lang"
	"opsdeck/ops"
	"opsdeck/ops/mysql/schema"
)

// ambiguous are the client charsets whose characters may contain a backslash or a quote as
// their second byte. A client that reads the file as utf8mb4 would misread that byte.
var ambiguous = map[string]bool{"gbk": true, "big5": true, "sjis": true, "cp932": true, "gb18030": true}

// carry decides how the file stores an object's statement, and proves that the stored
// bytes create the same object: either they are the original bytes, for a session with the
// same client charset, or text that converts to utf8mb4 and back unchanged. The result
// tells why neither is possible.
func (o *object) carry(ctx context.Context, q *sql.Conn) (problem string, err error) {
	o.client, o.carried = o.Charset, o.Create
	if o.Default != "" {
		own, err := schema.One(ctx, q, "SELECT @@collation_database")
		if err != nil {
			return "", err
		}
		if own != o.Default {
			o.own = own
		}
	}
	defer func() { o.carried = schema.Runnable(o.Kind, o.SQLMode, o.carried) }()
	if !ascii(o.Name) && !strings.Contains(o.Create, o.Name) && !strings.Contains(o.Create, schema.Ident(o.Name)) {
		return "the server garbles its name, for it was created by a " + o.Charset + " client", nil
	}
	// A byte that is not valid in utf8mb4 is shown as a question mark.
	if o.Charset == "" || ascii(o.Create) && !strings.Contains(o.Create, "?") {
		return "", nil
	}
	original, err := o.Original(ctx, q)
	if err != nil {
		return "", err
	}
	if !ambiguous[o.Charset] {
		o.carried = original
		return "", nil
	}
	same, err := convertible(ctx, q, o.Charset, original, o.Create)
	if err != nil {
		return "", err
	}
	if !same {
		return "it holds bytes that are no characters of " + o.Charset + ", the charset of the client that " +
			"created it", nil
	}
	if !ascii(o.Create) {
		o.client = "utf8mb4"
	}
	return "", nil
}

// convertible reports whether text in a charset converts to utf8mb4 and back unchanged.
func convertible(ctx context.Context, q *sql.Conn, charset, original, text string) (bool, error) {
	if !utf8.ValidString(text) {
		return false, nil
	}
	query := fmt.Sprintf("SELECT HEX(CONVERT(_utf8mb4 0x%s USING %s))", hex.EncodeToString([]byte(text)), charset)
	back, err := one(ctx, q, query)
	return strings.EqualFold(back, hex.EncodeToString([]byte(original))), err
}

// introduced matches a string with a charset introducer, as information_schema shows it in
// expressions of tables.
var introduced = regexp.MustCompile(`(?s)_([a-z0-9]+)\\?'((?:[^'\\]|\\[^']|'')*)`)

// refuseExpressions fails for a table with an expression (generated column, default,
// check, functional key) that contains a non-ASCII string of another charset. SHOW CREATE
// TABLE in MySQL shows question marks for it, so no statement recreates the table.
func (d *dumper) refuseExpressions(ctx context.Context, q *sql.Conn, t *table) error {
	if d.maria || t.Sequence {
		return nil
	}
	for _, ask := range []string{
		"SELECT COLUMN_NAME, GENERATION_EXPRESSION FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND " +
			"TABLE_NAME = ? AND GENERATION_EXPRESSION <> ''",
		"SELECT COLUMN_NAME, COLUMN_DEFAULT FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = " +
			"? AND EXTRA LIKE '%DEFAULT\\_GENERATED%'",
		"SELECT INDEX_NAME, EXPRESSION FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? " +
			"AND EXPRESSION IS NOT NULL",
		`SELECT c.CONSTRAINT_NAME, c.CHECK_CLAUSE
			FROM information_schema.CHECK_CONSTRAINTS c JOIN information_schema.TABLE_CONSTRAINTS t
			USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME) WHERE t.TABLE_SCHEMA = ? AND t.TABLE_NAME = ?`,
	} {
		rows, err := schema.All(ctx, q, ask, t.Database, t.Name)
		if unknown(err) {
			continue // the server has no such expressions
		}
		if err != nil {
			return fmt.Errorf("read the expressions of %s: %w", t.SQLName(), err)
		}
		for _, r := range rows {
			if charset := foreign(r[1]); charset != "" {
				return ops.E(ops.Failed, lang.M("table %s cannot be stored in a backup: the server does not show "+
					"the %s text in the expression of %s",
					schema.Name(t.Database, t.Name), charset, schema.Ident(r[0]))).
					WithHint(lang.M("write it there in hexadecimal (_latin1 0xe9), or exclude the table with --tables"))
			}
		}
	}
	return nil
}

// foreign is the charset of the first non-ASCII string that is not utf8; "" for none.
func foreign(expression string) string {
	for _, m := range introduced.FindAllStringSubmatch(expression, -1) {
		if !strings.HasPrefix(m[1], "utf8") && !ascii(m[2]) {
			return m[1]
		}
	}
	return ""
}
