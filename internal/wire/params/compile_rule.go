package params

import (
	"encoding/json"
	"slices"
)

// memberKeywords are the keywords that rules are made of.
var memberKeywords = []string{
	"type", "properties", "additionalProperties", "enum", "minimum", "maximum", "default",
	"x-drop", "x-rename", "x-enum-map", "x-normalize", "x-on-unsupported",
}

var typeNames = []string{"object", "array", "string", "number", "integer", "boolean", "null"}

func compileRule(name string, schema []byte, path string, depth int) (*rule, error) {
	k, err := readKeywords(schema, path, memberKeywords...)
	if err != nil {
		return nil, err
	}
	r := &rule{name: name}
	for _, read := range []func(keywords, string) error{
		r.readTypes, r.readNames, r.readEnum, r.readEnumMap, r.readBounds, r.readMeasure,
	} {
		if err := read(k, path); err != nil {
			return nil, err
		}
	}
	if _, ok := k["properties"]; ok {
		if r.nested, err = compileObject(schema, path, depth+1); err != nil {
			return nil, err
		}
	}
	return r, r.check(path)
}

// check holds the keywords against each other.
func (r *rule) check(path string) error {
	if r.otherway != leave && r.nested == nil && len(r.types) == 0 && len(r.enum) == 0 {
		return bad(join(path, "x-on-unsupported"), "This needs a type or an enum to tell what is supported.")
	}
	if r.value == nil {
		return nil
	}
	for i := range stages {
		if v := r.stage(i, r.value); v.fires() {
			return bad(join(path, "default"), "The default is not a value that the schema lets through.")
		}
	}
	return nil
}

func (r *rule) readTypes(k keywords, path string) (err error) {
	var types oneOrMany
	if err := k.into(path, "type", &types, "a type or a list of types"); err != nil {
		return err
	}
	for _, t := range types {
		if !slices.Contains(typeNames, t) {
			return bad(join(path, "type"), "There is no such type.")
		}
	}
	r.types = types
	r.otherway, err = readReaction(k, path)
	return err
}

func (r *rule) readNames(k keywords, path string) error {
	if err := k.into(path, "x-drop", &r.drops, "true or false"); err != nil {
		return err
	}
	if err := k.into(path, "x-rename", &r.rename, "a name"); err != nil {
		return err
	}
	if raw, ok := k["x-rename"]; ok && (r.rename == "" || r.rename == r.name || len(raw) > 128 || !isName(r.rename)) {
		return bad(join(path, "x-rename"), "This is to be another name: letters, digits, _ and -.")
	}
	if raw, ok := k["default"]; ok && string(raw) != "null" {
		r.value = compact(raw)
		if r.rename != "" || r.drops {
			return bad(join(path, "default"), "A parameter that does not go out under its name has no default.")
		}
	}
	return nil
}

// isName keeps new names to what needs no escaping.
func isName(s string) bool {
	return !slices.ContainsFunc([]byte(s), func(c byte) bool {
		return (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-'
	})
}

func (r *rule) readEnum(k keywords, path string) error {
	raw, ok := k["enum"]
	if !ok {
		return nil
	}
	var values []json.RawMessage
	if json.Unmarshal(raw, &values) != nil || len(values) == 0 {
		return bad(join(path, "enum"), "This is to be a list of values.")
	}
	for _, v := range values {
		c := choice{written: compact(v)}
		c.text = plainValue(c.written)
		r.enum = append(r.enum, c)
	}
	return nil
}

func (r *rule) readEnumMap(k keywords, path string) error {
	var table map[string]json.RawMessage
	if err := k.into(path, "x-enum-map", &table, "an object of values by their names"); err != nil {
		return err
	}
	if len(table) == 0 {
		return nil
	}
	r.enumMap = make(map[string][]byte, len(table))
	for from, to := range table {
		if to = compact(to); to[0] == '{' || to[0] == '[' || to[0] == 'n' {
			return bad(join(join(path, "x-enum-map"), from), "This is to be a text, a number, true or false.")
		}
		r.enumMap[from] = to
	}
	return nil
}

func (r *rule) readBounds(k keywords, path string) (err error) {
	if r.minimum, err = readBound(k, path, "minimum"); err != nil {
		return err
	}
	if r.maximum, err = readBound(k, path, "maximum"); err != nil {
		return err
	}
	if r.minimum != nil && r.maximum != nil && r.minimum.at > r.maximum.at {
		return bad(join(path, "minimum"), "This is above maximum.")
	}
	return nil
}

func (r *rule) readMeasure(k keywords, path string) error {
	var word string
	if err := k.into(path, "x-normalize", &word, "size, ratio or duration"); err != nil || word == "" {
		return err
	}
	m, ok := measures[word]
	if !ok {
		return bad(join(path, "x-normalize"), "This is to be size, ratio or duration.")
	}
	r.measure = m
	return nil
}
