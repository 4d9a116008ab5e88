package history

import (
	"strings"

	"opsdeck/ops/mysql/sqlscan"
)

// Declared is a column's type as a statement declares it.
type Declared struct {
	Word     string   // lower case, one name for each type: "int", "decimal", "varchar"
	Args     string   // inside the brackets: "10,2"
	Unsigned bool     // also by ZEROFILL
	Charset  string   // lower case; "" if the declaration leaves it to the table
	Members  []string // of ENUM and SET
}

// String is the type for people: "decimal(10,2) unsigned".
func (d *Declared) String() string {
	if d.Members != nil {
		return d.declaration()
	}
	text := d.Word
	if d.Args != "" {
		text += "(" + d.Args + ")"
	}
	if d.Unsigned {
		text += " unsigned"
	}
	if d.Charset != "" {
		text += " character set " + d.Charset
	}
	return text
}

// declaration is the type as information_schema has it.
func (d *Declared) declaration() string {
	if d.Members == nil {
		return d.String()
	}
	quoted := make([]string, len(d.Members))
	for i, m := range d.Members {
		quoted[i] = "'" + strings.ReplaceAll(m, "'", "''") + "'"
	}
	return d.Word + "(" + strings.Join(quoted, ",") + ")"
}

// aliases are the names of types that have another one.
// https://dev.mysql.com/doc/refman/8.4/en/other-vendor-data-types.html
var aliases = map[string]string{
	"integer": "int",
	"int4":    "int",
	"int8":    "bigint",
	"int3":    "mediumint",
	"int2":    "smallint",
	"int1":    "tinyint",
	"bool":    "tinyint",
	"boolean": "tinyint",
	"dec":     "decimal",
	"numeric": "decimal",
	"fixed":   "decimal",
	"real":    "double",
	"float8":  "double",
	"float4":  "float",
}

// plainTypes are the types whose declaration is one word and its brackets. What any other
// word declares is not known.
var plainTypes = wordSet("tinyint smallint mediumint int bigint decimal float double year bit date time datetime " +
	"timestamp char varchar binary varbinary tinytext text mediumtext longtext tinyblob blob mediumblob longblob " +
	"enum set json uuid inet4 inet6")

func wordSet(words string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(words) {
		set[w] = true
	}
	return set
}

// readDeclared reads a type at token i and what follows it up to end; nil if it is not
// known.
func readDeclared(t *sqlscan.Text, i, end int) *Declared {
	word := strings.ToLower(t.Upper(i))
	if alias, ok := aliases[word]; ok {
		word = alias
	}
	if !plainTypes[word] || word == "double" && t.Is(i+1, "PRECISION") {
		return nil
	}
	d := &Declared{Word: word}
	i++
	if t.Is(i, "(") {
		i = d.brackets(t, i+1, end)
	}
	for ; i < end; i++ {
		switch {
		case t.Any(i, "UNSIGNED", "ZEROFILL"):
			d.Unsigned = true
		case t.Is(i, "CHARSET"):
			d.Charset = charsetAt(t, i+1)
		case t.Follows(i, "CHARACTER", "SET"):
			d.Charset = charsetAt(t, i+2)
		case t.Is(i, "COLLATE"):
			collation := charsetAt(t, i+1)
			charset, _, _ := strings.Cut(collation, "_")
			if d.Charset == "" && !strings.HasPrefix(collation, "uca1400") {
				d.Charset = charset
			}
		case t.Any(i, "SIGNED", "BINARY", "ASCII", "UNICODE"):
		default:
			return d
		}
		if t.Is(i, "CHARACTER") {
			i += 2
		} else if t.Any(i, "CHARSET", "COLLATE") {
			i++
		}
	}
	return d
}

// brackets reads what follows a type's opening bracket and returns the token after the
// closing one.
func (d *Declared) brackets(t *sqlscan.Text, i, end int) int {
	for ; i < end && !t.Is(i, ")"); i++ {
		if member, ok := t.Value(i); ok {
			d.Members = append(d.Members, strings.TrimRight(member, " "))
			continue
		}
		d.Args += string(t.Bytes(i))
	}
	if d.Members != nil {
		d.Args = ""
	}
	return i + 1
}

func charsetAt(t *sqlscan.Text, i int) string {
	name, ok := t.Name(i)
	if !ok {
		name, _ = t.Value(i)
	}
	name = strings.ToLower(name)
	if name == "utf8" {
		return "utf8mb3"
	}
	return name
}
