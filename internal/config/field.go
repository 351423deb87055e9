package config

import (
	"reflect"
	"strings"
	"unicode"

	"github.com/gantry-ai/gantry/internal/kernel/secret"
)

// envPrefix begins the environment variable of every setting.
const envPrefix = "GANTRY_"

// Field describes one setting to people.
type Field struct {
	// Name is its path in the file, such as "relay.maxBodyBytes".
	Name string
	// Env is its environment variable, such as "GANTRY_RELAY_MAX_BODY_BYTES".
	Env string
	// Flag is how it is given on the command line, such as "--addr" or "--set relay.maxBodyBytes".
	Flag string
	// Default is the text of its default; "" for none.
	Default string
	// Allowed lists the values of a setting that has few; nil for others.
	Allowed []string
	Doc     string
	// Secret says that its value is never shown.
	Secret bool
}

// field is a Field with its place in a Config.
type field struct {
	Field

	min   string
	value reflect.Value
}

// ownFlags are the settings that have a flag of their own.
var ownFlags = map[string]string{"data": "--data", "addr": "--addr"}

// Doc describes every setting, in the order of the struct.
func Doc() []Field {
	c := Default()
	var docs []Field
	for _, f := range fieldsOf(&c) {
		docs = append(docs, f.Field)
	}
	return docs
}

// fieldsOf lists the settings of c; setting a field's value changes c.
func fieldsOf(c *Config) []field {
	return walk("", reflect.ValueOf(c).Elem())
}

func walk(prefix string, section reflect.Value) []field {
	var fields []field
	for i := range section.NumField() {
		tag := section.Type().Field(i)
		name := prefix + tag.Tag.Get("koanf")
		value := section.Field(i)
		if tag.Tag.Get("doc") == "" {
			fields = append(fields, walk(name+".", value)...)
			continue
		}
		fields = append(fields, newField(name, tag.Tag, value))
	}
	return fields
}

func newField(name string, tag reflect.StructTag, value reflect.Value) field {
	flag, own := ownFlags[name]
	if !own {
		flag = "--set " + name
	}
	_, isSecret := reflect.TypeAssert[secret.String](value)
	described := Field{Name: name, Env: envName(name), Flag: flag, Default: text(value), Doc: tag.Get("doc"), Secret: isSecret}
	if enum := tag.Get("enum"); enum != "" {
		described.Allowed = strings.Split(enum, ",")
	}
	return field{Field: described, min: tag.Get("min"), value: value}
}

// envName turns "relay.maxBodyBytes" into "GANTRY_RELAY_MAX_BODY_BYTES".
func envName(name string) string {
	var out strings.Builder
	out.WriteString(envPrefix)
	for _, r := range name {
		switch {
		case r == '.':
			out.WriteByte('_')
		case unicode.IsUpper(r):
			out.WriteByte('_')
			out.WriteRune(r)
		default:
			out.WriteRune(unicode.ToUpper(r))
		}
	}
	return out.String()
}
