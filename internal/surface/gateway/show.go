package gateway

import (
	"encoding/json"
	"strconv"

	"github.com/go-chi/chi/v5"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/httpx"
)

// pathID reads an id from the path. What is no id names nothing, so it is answered like one that is unknown.
func pathID(call *httpx.Call, name string) (id.ID, error) {
	v, err := id.Parse(chi.URLParam(call.Request, name))
	if err != nil {
		return id.ID{}, fault.ErrNotFound
	}
	return v, nil
}

// bodyID reads an id from a body; "" is none. Code: invalid_parameter.
func bodyID(path, text string) (id.ID, error) {
	if text == "" {
		return id.ID{}, nil
	}
	v, err := id.Parse(text)
	if err != nil {
		return id.ID{}, fault.ErrInvalid.Saying("This is not an id.").At(path)
	}
	return v, nil
}

// object shows an open object; one that is absent is left out.
func object(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

// marshal encodes what is made of texts, numbers and times, which cannot fail.
func marshal(v any) json.RawMessage {
	b, _ := json.Marshal(v) //nolint:errchkjson // see above
	return b
}

func indexed(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

func nonNil[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func typeNames(types []inference.ModelType) []string {
	out := make([]string, len(types))
	for i, t := range types {
		out[i] = string(t)
	}
	return out
}
