package wire_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/wire"
)

func TestRequestsThatMayNameFiles(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		``: false, `{"model":"m"}`: false, `{"file_id":"x"}`: true, `{"file\u005fid":"x"}`: true, `{"\u0066ile_i\u0064":"x"}`: true,
		`{"fil\u00e9":"\u00"}`: false, `"\u005`: false, `"\u001b\u00e9 file id"`: false, `_`: false, `file_`: false, `{"image_id":"node_id","_x":1}`: false,
		`{"\u0066\u0069\u006C\u0065\u005F\u0069\u0064":1}`: true, `{"\u0066\u0069\u006C\u0065_\u0069\u0064":1}`: true, `{"fil\u0065_id":1}`: true,
	} {
		if got := wire.NamesFiles([]byte(body)); got != want {
			t.Errorf("%s: %v", body, got)
		}
	}
}

var plain = `{"messages":[{"role":"user","content":"` + strings.Repeat("A file that is filed finely.\\n ", 300) + `"}]}`

func BenchmarkNamesFiles(b *testing.B) {
	body := []byte(plain)
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		wire.NamesFiles(body)
	}
}

// FuzzNamesFiles finds every object that another reader finds a file_id in.
func FuzzNamesFiles(f *testing.F) {
	f.Add([]byte(`{"file_id":1,"a":{"\u0066ile\u005fid":2}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var object map[string]json.RawMessage
		if json.Unmarshal(body, &object) != nil {
			return
		}
		if _, named := object["file_id"]; named && !wire.NamesFiles(body) {
			t.Errorf("%s names a file", body)
		}
	})
}
