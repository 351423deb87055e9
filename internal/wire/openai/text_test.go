package openai

import (
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
)

var (
	_ wire.Texter = chatFormat{}
	_ wire.Texter = embeddingsFormat{}
)

func TestText(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"model":"m","messages":[{"role":"system","content":"Be \"brief\"."},{"role":"user","content":[{"type":"text","text":"你\u597d"},{"type":"image_url","image_url":{"url":"data:x"}}]}]}`: "Be \"brief\".\n你好",
		`{"model":"m","messages":["odd",7,{"content":null},{"content":{"text":"no"}},{"role":"tool","content":"42"}]}`:                                                                          "42",
		`{"model":"m","messages":[{"content":"` + strings.Repeat("x", 50) + `"},{"content":"beyond"}]}`:                                                                                         strings.Repeat("x", 50),
	} {
		ask, err := Chat.Peek([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := (chatFormat{}).Text([]byte(body), &ask, 40); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
	body := []byte(`{"model":"m","input":["a","b",[1,2]]}`)
	ask, err := Embeddings.Peek(body)
	if got := (embeddingsFormat{}).Text(body, &ask, 40); err != nil || got != "a\nb" {
		t.Errorf("%q, %v", got, err)
	}
}
