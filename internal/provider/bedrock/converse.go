package bedrock

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/provider"
)

// converse is the API that all models have. Requests and events go as they are: the format is a dialect of its own.
var converse = route{
	whole: "converse", stream: "converse-stream",
	body: func(c *provider.Call) ([]byte, error) { return c.Body, nil },
	event: func(dst []byte, f frame) ([]byte, error) {
		if f.exception {
			return appendEvent(dst, "exception", exceptionOf(f))
		}
		return appendEvent(dst, f.kind, f.payload)
	},
}

// exceptionOf is an exception as the event's data: what it is called and what it says.
func exceptionOf(f frame) []byte {
	text, err := json.Marshal(struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	}{f.kind, messageOf(f.payload)})
	if err != nil {
		panic(err) // texts can be written
	}
	return text
}
