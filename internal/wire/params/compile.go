package params

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
)

// SchemaError says what is wrong with a schema, and where.
type SchemaError struct {
	// Path is the place in the schema, such as "properties.size.enum".
	Path    string
	Message string
}

// Error returns the path and the message.
func (e *SchemaError) Error() string { return "params: " + e.Path + ": " + e.Message }

func bad(path, message string) error { return &SchemaError{path, message} }

const (
	maxProperties = 256
	maxDefaults   = 64 // each has its bit
	maxNesting    = 8
)

// protected are the members that say what a request is: what was authorised, routed and priced must be what is sent. A
// schema may describe them, but no rule may change them.
var protected = []string{"model", "messages", "input", "stream", "stream_options", "runMode"}

// described are the keywords that people and forms read and that change nothing.
var described = []string{
	"$schema", "$id", "$comment", "title", "description", "examples", "example", "deprecated", "readOnly", "writeOnly", "required",
	"items", "format", "pattern", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "multipleOf",
	"exclusiveMinimum", "exclusiveMaximum", "const", "nullable", "x-ui",
}

// Compile reads a schema; none, null and {} compile to one without rules. Error: a *SchemaError.
func Compile(schema []byte) (*Schema, error) {
	if s := string(bytes.TrimSpace(schema)); s == "" || s == "null" {
		return &Schema{}, nil
	}
	root, err := compileObject(schema, "", 1)
	if err != nil {
		return nil, err
	}
	return &Schema{root}, nil
}

type keywords map[string]json.RawMessage

func readKeywords(schema []byte, path string, known ...string) (keywords, error) {
	var k keywords
	if json.Unmarshal(schema, &k) != nil || k == nil {
		return nil, bad(path, "This is to be an object.")
	}
	names := make([]string, 0, len(k))
	for name := range k {
		names = append(names, name)
	}
	slices.Sort(names) // the same mistake is always reported first
	for _, name := range names {
		if !slices.Contains(known, name) && !slices.Contains(described, name) {
			return nil, bad(join(path, name), "There is no such keyword.")
		}
	}
	return k, nil
}

// into reads a keyword; absent ones leave to as it is.
func (k keywords) into(path, name string, to any, wanted string) error {
	raw, ok := k[name]
	if ok && json.Unmarshal(raw, to) != nil {
		return bad(join(path, name), "This is to be "+wanted+".")
	}
	return nil
}

func compileObject(schema []byte, path string, depth int) (*object, error) {
	if depth > maxNesting {
		return nil, bad(path, "The schema is nested too deeply.")
	}
	k, err := readKeywords(schema, path, memberKeywords...)
	if err != nil {
		return nil, err
	}
	o := &object{rules: map[string]*rule{}, unknown: refuse}
	var types oneOrMany
	if err := k.into(path, "type", &types, "a type"); err != nil {
		return nil, err
	}
	if len(types) > 0 && !slices.Contains(types, "object") {
		return nil, bad(join(path, "type"), "This is to be object.")
	}
	if err := o.readUnknown(k, path); err != nil {
		return nil, err
	}
	return o, o.readProperties(k, path, depth)
}

func (o *object) readUnknown(k keywords, path string) error {
	more := true
	if err := k.into(path, "additionalProperties", &more, "true or false"); err != nil {
		return err
	}
	o.closed = !more
	how, err := readReaction(k, path)
	if how != leave {
		o.unknown = how
	}
	return err
}

func (o *object) readProperties(k keywords, path string, depth int) error {
	var properties map[string]json.RawMessage
	if err := k.into(path, "properties", &properties, "an object"); err != nil {
		return err
	}
	if len(properties) > maxProperties {
		return bad(join(path, "properties"), "There are too many properties.")
	}
	names := make([]string, 0, len(properties))
	for name := range properties {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		at := join(join(path, "properties"), name)
		r, err := compileRule(name, properties[name], at, depth)
		if err != nil {
			return err
		}
		if depth == 1 && (slices.Contains(protected, name) && r.active() || slices.Contains(protected, r.rename)) {
			return bad(at, "No rule may change this parameter: what is routed and priced is what is sent.")
		}
		if err := o.add(r, at); err != nil {
			return err
		}
	}
	if depth == 1 && o.closed {
		for _, name := range protected {
			if o.rules[name] == nil {
				o.rules[name] = &rule{name: name}
			}
		}
	}
	return nil
}

func (o *object) add(r *rule, path string) error {
	o.rules[r.name] = r
	if r.value == nil {
		return nil
	}
	if len(o.defaults) == maxDefaults {
		return bad(join(path, "default"), "There are too many defaults.")
	}
	r.bit = 1 << len(o.defaults)
	o.defaults = append(o.defaults, r)
	return nil
}

// oneOrMany is a text or a list of texts.
type oneOrMany []string

// UnmarshalJSON implements json.Unmarshaler.
func (v *oneOrMany) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*v = oneOrMany{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(v))
}

func readReaction(k keywords, path string) (reaction, error) {
	var word string
	if err := k.into(path, "x-on-unsupported", &word, "drop or refuse"); err != nil {
		return leave, err
	}
	switch word {
	case "":
		return leave, nil
	case "drop":
		return drop, nil
	case "refuse":
		return refuse, nil
	}
	return leave, bad(join(path, "x-on-unsupported"), "This is to be drop or refuse.")
}

func readBound(k keywords, path, name string) (*bound, error) {
	raw, ok := k[name]
	if !ok {
		return nil, nil //nolint:nilnil // no bound
	}
	at, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil, bad(join(path, name), "This is to be a number.")
	}
	return &bound{at, compact(raw)}, nil
}

func compact(raw []byte) []byte {
	var out bytes.Buffer
	_ = json.Compact(&out, raw) // it was decoded before
	return out.Bytes()
}
