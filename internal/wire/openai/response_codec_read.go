package openai

import (
	"bytes"
	"encoding/json"
	"strconv"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// responseReader reads values of requests and answers. It keeps the first thing that is wrong, a *RequestError with the path;
// what is read after that does not matter.
type responseReader struct {
	// lenient is for what upstreams write: a value of a wrong type is one that was not given.
	lenient bool
	// rest collects members that have no place in the pivot.
	rest []inference.Rest
	err  error
}

func (r *responseReader) fail(err error) {
	if r.err == nil && !r.lenient {
		r.err = err
	}
}

func isGiven(value []byte) bool { return len(value) > 0 && value[0] != 'n' }

// scan finds the wanted members of an object. False says that there is none.
func (r *responseReader) scan(keys *jsonscan.Keys, value []byte, out []jsonscan.Field, path string) bool {
	if !isObject(value) {
		if isGiven(value) {
			r.fail(invalidType(path, "an object"))
		}
		clear(out)
		return false
	}
	if _, _, err := keys.Scan(value, out); err != nil {
		r.fail(scanError(err))
		return false
	}
	return true
}

// text reads a string; null and nothing are "".
func (r *responseReader) text(value []byte, path, name string) string {
	if !isGiven(value) {
		return ""
	}
	s, err := jsonscan.String(value, jsonscan.Field{End: len(value)})
	if err == nil {
		return s
	}
	if r.lenient {
		s, _ = jsonText(value)
		return s
	}
	r.fail(invalidType(joinPath(path, name), "a string"))
	return ""
}

// required is text that must be there.
func (r *responseReader) required(value []byte, path, name string) string {
	s := r.text(value, path, name)
	if s == "" {
		path = joinPath(path, name)
		r.fail(missing(path, "Missing required parameter: '"+path+"'."))
	}
	return s
}

func (r *responseReader) flag(value []byte, path string) *bool {
	if !isGiven(value) {
		return nil
	}
	on, err := jsonscan.Bool(value, jsonscan.Field{End: len(value)})
	if err != nil {
		r.fail(invalidType(path, "a boolean"))
		return nil
	}
	return &on
}

// integer reads a number from 0 on. Answers may have a fraction of zero.
func (r *responseReader) integer(value []byte, path string) int64 {
	if !isGiven(value) {
		return 0
	}
	if r.lenient {
		value = bytes.TrimSuffix(value, []byte(".0"))
	}
	n, err := jsonscan.Int(value, jsonscan.Field{End: len(value)})
	if err != nil || n < 0 {
		r.fail(invalidType(path, "an integer from 0 on"))
		return 0
	}
	return n
}

func (r *responseReader) number(value []byte, path string) json.Number {
	if !isGiven(value) {
		return ""
	}
	if value[0] != '-' && value[0]-'0' > 9 {
		r.fail(invalidType(path, "a number"))
		return ""
	}
	return json.Number(value)
}

// list walks over an array; null and nothing have no elements.
func (r *responseReader) list(value []byte, path, name string) jsonscan.Iterator {
	if isGiven(value) && value[0] != '[' {
		r.fail(invalidType(joinPath(path, name), "an array"))
	}
	return jsonscan.AnyElements(value)
}

// others keeps what an object has beyond the known names. Null says nothing.
func (r *responseReader) others(object []byte, known map[string]bool, path string) {
	if r.lenient {
		return
	}
	for m := jsonscan.Members(object); m.Next(); {
		if known[string(m.Key)] || !isGiven(m.Value) || known[unescaped(m.Key)] {
			continue
		}
		at := joinPath(path, string(m.Key))
		if !isMemberName(m.Key) {
			r.fail(&RequestError{Message: "Unknown parameter: '" + at + "'.", Param: at, Code: "unknown_parameter"})
			return
		}
		r.keep(at, m.Value)
	}
}

func (r *responseReader) keep(path string, value []byte) {
	if !r.lenient {
		r.rest = append(r.rest, responseRest(path, value))
	}
}

// unescaped is what a key with escapes spells; "" for one without: it was looked at.
func unescaped(key []byte) string {
	if bytes.IndexByte(key, '\\') < 0 {
		return ""
	}
	quoted := append(append([]byte{'"'}, key...), '"')
	name, _ := jsonText(quoted)
	return name
}

// isMemberName reports whether a name can be part of a path without being taken for several.
func isMemberName(name []byte) bool {
	for _, c := range name {
		if (c|0x20 < 'a' || c|0x20 > 'z') && (c < '0' || c > '9') && c != '_' && c != '-' {
			return false
		}
	}
	return len(name) > 0
}

func joinPath(path, name string) string {
	if path == "" || name == "" {
		return path + name
	}
	return path + "." + name
}

func indexPath(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// nameSet is for others.
func nameSet(names []string) map[string]bool {
	set := make(map[string]bool, len(names))
	for _, n := range names {
		set[n] = true
	}
	return set
}
