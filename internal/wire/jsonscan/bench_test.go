package jsonscan

import (
	"strconv"
	"strings"
	"testing"
)

// BenchmarkScan reads a request whose prompt is of the given length.
func BenchmarkScan(b *testing.B) {
	keys := NewKeys("model", "stream", "max_tokens", "n", "tools")
	for _, n := range []int{1 << 10, 10 << 10, 100 << 10} {
		for kind, text := range map[string]string{"prose": "some words ", "lines": strings.Repeat("some words ", 6) + `\n`} {
			body := []byte(`{"model":"m","max_tokens":256,"messages":[{"role":"user","content":"` + strings.Repeat(text, n/len(text)) + `"}]}`)
			b.Run(kind+"/"+strconv.Itoa(n), func(b *testing.B) {
				var out [5]Field
				b.SetBytes(int64(len(body)))
				for b.Loop() {
					if _, _, err := keys.Scan(body, out[:]); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
