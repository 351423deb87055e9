package httpx

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
)

// Given names the members that a body has, other than null: what is absent from a change stays as it is.
type Given map[string]bool

// DecodeGiven is Decode for changes, where a member that is absent differs from an empty one.
func DecodeGiven(req *http.Request, v any) (Given, error) {
	body, err := ReadJSON(req)
	if err != nil {
		return nil, err
	}
	if err := Unmarshal(body, v); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, fault.ErrBadJSON.Because(err)
	}
	given := Given{}
	for name, value := range members {
		given[strings.ToLower(name)] = string(value) != "null"
	}
	return given, nil
}

// Has reports whether a member was given. Like encoding/json it does not look at letter case.
func (g Given) Has(name string) bool { return g[strings.ToLower(name)] }

// Pick returns a value that was given under the name, else nil.
func Pick[T any](g Given, name string, value T) *T {
	if !g.Has(name) {
		return nil
	}
	return &value
}
