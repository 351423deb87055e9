package gateway

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
)

// renewed is a task's result with links to its files that work from now on: those that it was stored with end long before the
// files do. Only operations whose links are made here have their result looked at: a text may say anything.
func (s *Surface) renewed(t *tasks.Task) json.RawMessage {
	switch t.Kind {
	case inference.ImageGenerations, inference.ImageEdits, inference.VideoGenerations:
	default:
		return t.Result
	}
	var whole, thing map[string]json.RawMessage
	var things []json.RawMessage
	if s.Renew == nil || json.Unmarshal(t.Result, &whole) != nil || json.Unmarshal(whole["data"], &things) != nil {
		return t.Result
	}
	for i := range things {
		thing = nil
		var link string
		if json.Unmarshal(things[i], &thing) != nil || json.Unmarshal(thing["url"], &link) != nil {
			continue
		}
		if fresh, ours := s.Renew(link); ours {
			thing["url"] = marshal(fresh)
			things[i] = marshal(thing)
		}
	}
	whole["data"] = marshal(things)
	return marshal(whole)
}
