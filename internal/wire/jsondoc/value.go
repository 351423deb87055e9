// Package jsondoc reads and writes whole JSON documents for translators: values that know where they stand, so that errors
// name the field, and a writer that puts the commas. What only looks for a few members uses jsonscan instead.
package jsondoc

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// Value is a JSON value and its path, such as "messages[2].content". It shares memory with the document. Values come from
// Parse: their methods do not check the grammar once more.
type Value struct {
	Raw  []byte
	Path string
}

var anyKeys = jsonscan.NewKeys()

// Parse checks a document, which must be an object. Error: fault.ErrBadJSON.
func Parse(doc []byte) (Value, error) {
	if _, _, err := anyKeys.Scan(doc, nil); err != nil {
		return Value{}, fault.ErrBadJSON.Because(err)
	}
	return Value{Raw: doc}, nil
}

// Given reports whether there is a value other than null.
func (v Value) Given() bool { return len(v.Raw) > 0 && string(v.Raw) != "null" }

// IsString reports whether the value is a text.
func (v Value) IsString() bool { return len(v.Raw) > 0 && v.Raw[0] == '"' }

// IsArray reports whether the value is an array.
func (v Value) IsArray() bool { return len(v.Raw) > 0 && v.Raw[0] == '[' }

// IsObject reports whether the value is an object.
func (v Value) IsObject() bool { return len(v.Raw) > 0 && v.Raw[0] == '{' }

func (v Value) span() jsonscan.Field { return jsonscan.Field{End: len(v.Raw)} }

func (v Value) not(expected string) error {
	return fault.ErrInvalid.Saying("Expected " + expected + ".").At(v.Path)
}

// String returns a text; null and absence are "". Error: fault.ErrInvalid.
func (v Value) String() (string, error) {
	if !v.Given() {
		return "", nil
	}
	s, err := jsonscan.String(v.Raw, v.span())
	if err != nil {
		return "", v.not("a text")
	}
	return s, nil
}

// Int returns an integer; null and absence are 0. Numbers such as 1.0 are taken for the integer that they are. Error:
// fault.ErrInvalid.
func (v Value) Int() (int64, error) {
	if !v.Given() {
		return 0, nil
	}
	if n, err := jsonscan.Int(v.Raw, v.span()); err == nil {
		return n, nil
	}
	n, err := strconv.ParseInt(trimZeros(string(v.Raw)), 10, 64)
	if err != nil {
		return 0, v.not("an integer")
	}
	return n, nil
}

// trimZeros takes a fraction of nothing but zeros away.
func trimZeros(s string) string {
	for i := len(s) - 1; i > 0; i-- {
		switch s[i] {
		case '0':
		case '.':
			return s[:i]
		default:
			return s
		}
	}
	return s
}

// Bool returns a truth value; null and absence are false. Error: fault.ErrInvalid.
func (v Value) Bool() (bool, error) {
	if !v.Given() {
		return false, nil
	}
	b, err := jsonscan.Bool(v.Raw, v.span())
	if err != nil {
		return false, v.not("true or false")
	}
	return b, nil
}

// Number returns a number as it is written; null and absence are "". Error: fault.ErrInvalid.
func (v Value) Number() (json.Number, error) {
	if !v.Given() {
		return "", nil
	}
	if c := v.Raw[0]; c != '-' && (c < '0' || c > '9') {
		return "", v.not("a number")
	}
	return json.Number(v.Raw), nil
}

// Object returns the value as it is; null and absence are nil. Error: fault.ErrInvalid when it is something else.
func (v Value) Object() (json.RawMessage, error) {
	if !v.Given() {
		return nil, nil
	}
	if !v.IsObject() {
		return nil, v.not("an object")
	}
	return v.Raw, nil
}

// Members calls f for each member of an object, in order; a member's path is key alone at the top. null and absence have
// none. Errors: fault.ErrInvalid, and that of f.
func (v Value) Members(f func(key string, v Value) error) error {
	if !v.Given() {
		return nil
	}
	it := jsonscan.Members(v.Raw)
	for it.Next() {
		key := string(it.Key)
		if strings.IndexByte(key, '\\') >= 0 {
			_ = json.Unmarshal([]byte(`"`+key+`"`), &key) // Parse has checked it
		}
		if err := f(key, Value{it.Value, join(v.Path, key)}); err != nil {
			return err
		}
	}
	if it.Err != nil {
		return v.not("an object")
	}
	return nil
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// Elements calls f for each element of an array, in order. null and absence have none. Errors: fault.ErrInvalid, and that of
// f.
func (v Value) Elements(f func(v Value) error) error {
	if !v.Given() {
		return nil
	}
	it := jsonscan.Elements(v.Raw)
	for i := 0; it.Next(); i++ {
		if err := f(Value{it.Value, v.Path + "[" + strconv.Itoa(i) + "]"}); err != nil {
			return err
		}
	}
	if it.Err != nil {
		return v.not("a list")
	}
	return nil
}

// Strings returns a list of texts. null and absence are nil. Error: fault.ErrInvalid.
func (v Value) Strings() ([]string, error) {
	var out []string
	err := v.Elements(func(v Value) error {
		s, err := v.String()
		out = append(out, s)
		return err
	})
	return out, err
}

// Text sets *to to a text, for the cases of a switch over members, as do Whole, Truth and Figure. Errors: those of String, Int,
// Bool and Number.
func (v Value) Text(to *string) (err error) { *to, err = v.String(); return err }

// Whole sets *to to an integer.
func (v Value) Whole(to *int64) (err error) { *to, err = v.Int(); return err }

// Truth sets *to to a truth value.
func (v Value) Truth(to *bool) (err error) { *to, err = v.Bool(); return err }

// Figure sets *to to a number as it is written.
func (v Value) Figure(to *json.Number) (err error) { *to, err = v.Number(); return err }

// MaybeTruth sets *to to a truth value, and to nil for null.
func (v Value) MaybeTruth(to **bool) error {
	*to = nil
	if !v.Given() {
		return nil
	}
	b, err := v.Bool()
	*to = &b
	return err
}
