package access

import (
	"encoding/json"
	"net/netip"
	"time"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// Caller is who asks for a resource, and how. Key and Group are zero where there is none.
type Caller struct {
	Key, User, Group, Tenant id.ID
	// Level is what Level makes of the user's roles.
	Level int64
	// Attributes are what conditions on metadata look at.
	Attributes Attributes
	// Address is where the request came from; the zero value is nowhere, and lies in no block.
	Address netip.Addr
	At      time.Time
	Kind    inference.Kind
}

// subjects are the caller as rules can name it, in the order of subjectTypes.
func (c *Caller) subjects() [4]id.ID { return [4]id.ID{c.Key, c.User, c.Group, c.Tenant} }

// Attributes are the texts, numbers and booleans of metadata, by name, each in a form that tells the types apart.
type Attributes map[string]string

// ReadAttributes collects what several pieces of metadata say. Of members with the same name the first counts, so the most
// specific piece comes first. Lists, objects and what is no object are left out.
func ReadAttributes(metadata ...json.RawMessage) Attributes {
	var out Attributes
	for _, raw := range metadata {
		var members map[string]json.RawMessage
		if json.Unmarshal(raw, &members) != nil {
			continue
		}
		for name, value := range members {
			text, ok := scalar(value)
			if _, known := out[name]; known || !ok {
				continue
			}
			if out == nil {
				out = Attributes{}
			}
			out[name] = text
		}
	}
	return out
}

// scalar writes a text, number or boolean so that equal values of one type are equal texts. Numbers are equal when they are
// written alike.
func scalar(raw json.RawMessage) (string, bool) {
	if len(raw) == 0 {
		return "", false
	}
	switch raw[0] {
	case '{', '[', 'n':
		return "", false
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return `"` + s, err == nil
	}
	return string(raw), true
}
