// Package tokens counts the tokens of a text, offline: by the model's own vocabulary where it is one of OpenAI's, and by a
// cheap approximation for all others. It serves calls whose upstream tells no usage; holds and windows keep their bounds.
//
// Counting is deterministic, takes time in proportion to the text, and at most some ten milliseconds: what is longer than
// maxExact is approximated from there on.
package tokens

import (
	"strings"
	"sync"

	"github.com/tiktoken-go/tokenizer"
)

// Family is the kind of vocabulary that a model counts by.
type Family uint8

// The families. The approximation is Approximate's; it suits what is neither of the others.
const (
	Other Family = iota
	O200k
	Cl100k
)

// families are the beginnings of model names, the longer before the shorter. Source: OpenAI's tiktoken, model.py.
var families = []struct {
	begins string
	family Family
}{
	{"gpt-4o", O200k},
	{"gpt-4.1", O200k},
	{"gpt-4.5", O200k},
	{"gpt-5", O200k},
	{"gpt-oss", O200k},
	{"gpt-realtime", O200k},
	{"gpt-audio", O200k},
	{"chatgpt-4o", O200k},
	{"codex-mini", O200k},
	{"o1", O200k},
	{"o3", O200k},
	{"o4-mini", O200k},
	{"gpt-4", Cl100k},
	{"gpt-3.5", Cl100k},
	{"gpt-35", Cl100k}, // as Azure writes it
	{"text-embedding-3", Cl100k},
	{"text-embedding-ada-002", Cl100k},
}

// FamilyOf tells the family by the first of the names that is known: a model has the upstream's name and our own. What
// stands before a slash, and "ft:", are not part of a name.
func FamilyOf(names ...string) Family {
	for _, name := range names {
		name = strings.ToLower(name[strings.LastIndexByte(name, '/')+1:])
		name = strings.TrimPrefix(name, "ft:")
		for _, f := range families {
			if rest, ok := strings.CutPrefix(name, f.begins); ok && endsName(rest) {
				return f.family
			}
		}
	}
	return Other
}

// endsName tells "o1-mini" from "o1x": after what is known comes nothing, or a mark.
func endsName(rest string) bool { return rest == "" || strings.IndexByte("-.:_@", rest[0]) >= 0 }

// The vocabularies are built when they are first needed: that takes some ten milliseconds and megabytes.
var (
	o200k  = sync.OnceValue(func() tokenizer.Codec { return open(tokenizer.O200kBase) })
	cl100k = sync.OnceValue(func() tokenizer.Codec { return open(tokenizer.Cl100kBase) })
)

// open returns nil for what the library does not have, and then everything is approximated.
func open(e tokenizer.Encoding) tokenizer.Codec {
	c, err := tokenizer.Get(e)
	if err != nil {
		return nil
	}
	return c
}

func (f Family) codec() tokenizer.Codec {
	switch f {
	case O200k:
		return o200k()
	case Cl100k:
		return cl100k()
	case Other:
	}
	return nil
}

// Count returns the tokens of a text.
func Count(f Family, text string) int64 {
	c := New(f)
	c.Add(text)
	return c.Total()
}
