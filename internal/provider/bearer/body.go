package bearer

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// Body is a request as it is put together for an upstream.
type Body map[string]any

// Take copies members of a caller's request that the upstream has under the same names; null and absent ones are left out.
func (b Body) Take(from map[string]json.RawMessage, names ...string) {
	for _, name := range names {
		if v := from[name]; len(v) > 0 && string(v) != "null" {
			b[name] = v
		}
	}
}

// Members reads a request as its members. It was checked before.
func Members(body []byte) map[string]json.RawMessage {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(body, &members) // of what was checked
	return members
}

// JSON writes what is made of texts, numbers and raw JSON that was read as such.
func JSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return []byte("{}") // of what is made of texts, numbers and raw JSON there is none
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// TextOf is the text of a query, a document or an input: itself, or the member text of an object that has no other. param names
// it. The error is a *wire.RequestError.
func TextOf(raw []byte, param string) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) == nil && len(object) == 1 && json.Unmarshal(object["text"], &text) == nil {
		return text, nil
	}
	return "", Unsupported(param, "This upstream takes texts only: '"+param+"' is something else.")
}

// Ranked reads a request to rank texts.
func Ranked(c *provider.Call) (f wire.RerankFacts, query string, documents []string, err error) {
	if f, err = wire.PeekRerank(c.Body); err != nil {
		return f, "", nil, err
	}
	if query, err = TextOf(f.Query, "query"); err != nil {
		return f, "", nil, err
	}
	for i, d := range f.Documents {
		text, err := TextOf(d, "documents["+strconv.Itoa(i)+"]")
		if err != nil {
			return f, "", nil, err
		}
		documents = append(documents, text)
	}
	return f, query, documents, nil
}

// Result is one result of a ranking, as the dialect has it. The score is as the upstream wrote it.
type Result struct {
	Index    int             `json:"index"`
	Score    json.Number     `json:"relevance_score"`
	Document json.RawMessage `json:"document,omitempty"`
}

// Complete checks the places of results and gives them their documents, where those are wanted and the upstream left them out.
func Complete(results []Result, f *wire.RerankFacts) bool {
	if results == nil {
		return false
	}
	for i := range results {
		r := &results[i]
		if r.Index < 0 || r.Index >= len(f.Documents) || r.Score == "" {
			return false
		}
		switch {
		case !f.ReturnDocuments:
			r.Document = nil
		case len(r.Document) == 0 || string(r.Document) == "null":
			r.Document = f.Documents[r.Index]
		}
		if len(r.Document) > 0 && r.Document[0] == '"' {
			r.Document = slices.Concat([]byte(`{"text":`), r.Document, []byte(`}`))
		}
	}
	return true
}

// Inputs are the texts of a request for vectors. The error is a *wire.RequestError: tokens mean nothing to other vocabularies.
func Inputs(c *provider.Call) ([]json.RawMessage, error) {
	if _, err := wire.PeekEmbeddings(c.Body); err != nil {
		return nil, err
	}
	raw := Members(c.Body)["input"]
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	for _, v := range list {
		if v[0] != '"' && v[0] != '{' {
			return nil, Unsupported("input", "This upstream takes texts, not tokens.")
		}
	}
	return list, nil
}

// Vector is one vector of an answer, as the dialect has it.
type Vector struct {
	Object    string          `json:"object"`
	Index     int             `json:"index"`
	Embedding json.RawMessage `json:"embedding"`
}

// Packed writes a vector of numbers as base64, which is how callers may want it: four bytes each, the lowest first.
func Packed(numbers json.RawMessage) (json.RawMessage, bool) {
	return wire.PackVector(numbers)
}

// WantsPacked reports whether a request asks for base64.
func WantsPacked(members map[string]json.RawMessage) bool {
	return string(members["encoding_format"]) == `"base64"`
}

// Vectors is an answer with vectors, as the dialect has it.
func Vectors(model string, data []Vector, tokens int64) []byte {
	return JSON(map[string]any{
		"object": "list", "data": data, "model": model, "usage": map[string]int64{"prompt_tokens": tokens, "total_tokens": tokens},
	})
}

// Ranking is an answer with results, as the dialect has it. tokens 0 and meta nil are left out.
func Ranking(id, model string, results []Result, tokens int64, meta json.RawMessage) []byte {
	out := map[string]any{"object": "list", "model": model, "results": results}
	if id != "" {
		out["id"] = id
	}
	if tokens > 0 {
		out["usage"] = map[string]int64{"prompt_tokens": tokens, "completion_tokens": 0, "total_tokens": tokens}
	}
	if len(meta) > 0 {
		out["meta"] = meta
	}
	return JSON(out)
}
