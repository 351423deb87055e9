package gateway

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/inference"
)

func TestLinksOfResultsAreRenewed(t *testing.T) {
	t.Parallel()
	s := &Surface{Options: Options{Renew: func(link string) (string, bool) {
		return strings.Replace(link, "old", "new", 1), strings.HasPrefix(link, "/api/files/")
	}}}
	for _, c := range []struct {
		kind         inference.Kind
		result, want string
	}{
		{inference.ImageGenerations, `{"created":1,"data":[{"url":"/api/files/1?old"},{"b64_json":"eA=="},{"url":"https://else/old"},5]}`, `{"created":1,"data":[{"url":"/api/files/1?new"},{"b64_json":"eA=="},{"url":"https://else/old"},5]}`},
		{inference.VideoGenerations, `{"data":[{"url":"/api/files/1?old","content_type":"video/mp4"}],"id":"v"}`, `{"data":[{"content_type":"video/mp4","url":"/api/files/1?new"}],"id":"v"}`},
		{inference.Chat, `{"data":[{"url":"/api/files/1?old"}]}`, `{"data":[{"url":"/api/files/1?old"}]}`},
		{inference.ImageEdits, `{"error":"x"}`, `{"error":"x"}`},
		{inference.ImageEdits, ``, ``},
	} {
		if got := s.renewed(&tasks.Task{Kind: c.kind, Result: json.RawMessage(c.result)}); string(got) != c.want {
			t.Errorf("%s: got %s, want %s", c.kind, got, c.want)
		}
	}
}
