package compat

import (
	"bytes"
	"maps"
	"slices"

	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// edits rename members of requests, or take them out.
type edits []edit

type edit struct {
	key    *jsonscan.Keys
	quoted []byte
	as     string // the vendor's name; empty takes the member out
}

func newEdits(members map[string]string) (out edits) {
	for _, name := range slices.Sorted(maps.Keys(members)) {
		out = append(out, edit{jsonscan.NewKeys(name), []byte(`"` + name + `"`), members[name]})
	}
	return out
}

// apply returns the request as the vendor takes it: body itself where nothing has to change.
func (all edits) apply(body []byte) []byte {
	for i := range all {
		body = all[i].apply(body)
	}
	return body
}

func (e *edit) apply(body []byte) []byte {
	if !bytes.Contains(body, e.quoted) {
		return body
	}
	var out [1]jsonscan.Field
	if _, _, err := e.key.Scan(body, out[:]); err != nil || !out[0].Found() {
		return body // the vendor says what is wrong with it
	}
	if e.as == "" {
		return jsonscan.Apply(nil, body, jsonscan.Edit{Field: jsonscan.Member(body, out[0])})
	}
	return jsonscan.Apply(nil, body, jsonscan.Edit{Field: jsonscan.Key(body, out[0]), Text: jsondoc.AppendString(nil, e.as)})
}
