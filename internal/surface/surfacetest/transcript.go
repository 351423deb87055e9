package surfacetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Transcript is what an operation was asked and answered, one after the other, as a golden file that people can read. Long
// lists and texts are cut, and what chance made is left out.
type Transcript struct{ text strings.Builder }

// Add appends a request and its answer.
func (tr *Transcript) Add(r *Request, a *Answer) {
	as := ""
	if r.As != "" {
		as = " as " + r.As
	}
	fmt.Fprintf(&tr.text, "=== %d %s\n%s %s%s\n", a.Status, r.Name, r.Method, scrubbed(r.Path), as)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&tr.text, "%s: %s\n", name, r.Header[name])
	}
	if r.Body != "" {
		fmt.Fprintf(&tr.text, "%s\n", scrubbed(r.Body))
	}
	fmt.Fprintf(&tr.text, "--- %s\n", a.Header.Get("Content-Type"))
	if body := legible(a); body != "" {
		fmt.Fprintf(&tr.text, "%s\n", body)
	}
}

// Golden compares the transcript with testdata/<name>.txt.
func (tr *Transcript) Golden(t *testing.T, name string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(tr.text.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), tr.text.String()); diff != "" {
		t.Errorf("%s is answered differently (-want +got); run with -update if that is right:\n%s", name, diff)
	}
}

// ports of servers are different in each run.
var ports = regexp.MustCompile(`127\.0\.0\.1:\d+`)

func scrubbed(text string) string {
	for _, s := range scrubs {
		text = s.what.ReplaceAllString(text, s.with)
	}
	return ports.ReplaceAllString(text, "127.0.0.1:<port>")
}

// legible shows a body: JSON indented, other texts as they are, anything else by its length.
func legible(a *Answer) string {
	var v any
	d := json.NewDecoder(bytes.NewReader(a.Body))
	d.UseNumber()
	switch kind, _, _ := strings.Cut(a.Header.Get("Content-Type"), ";"); {
	case kind == "application/json" && d.Decode(&v) == nil:
		var out bytes.Buffer
		e := json.NewEncoder(&out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		_ = e.Encode(shortened(v)) //nolint:errchkjson // it was JSON
		return scrubbed(strings.TrimSpace(out.String()))
	case strings.HasPrefix(kind, "text/"):
		lines := strings.Split(strings.TrimSpace(string(a.Body)), "\n")
		for i := range lines {
			lines[i] = cut(lines[i])
		}
		return strings.Join(lines, "\n")
	case len(a.Body) > 0:
		return fmt.Sprintf("%d bytes", len(a.Body))
	}
	return ""
}

// How many items of a list and characters of a text are shown.
const (
	mostItems = 3
	mostText  = 400
)

func shortened(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			v[name] = shortened(member)
		}
	case []any:
		for i := range v {
			v[i] = shortened(v[i])
		}
		if len(v) > mostItems {
			return append(v[:mostItems:mostItems], "…")
		}
	case string:
		return cut(v)
	}
	return v
}

func cut(text string) string {
	if text = scrubbed(text); len(text) > mostText {
		return fmt.Sprintf("%.60s…", text)
	}
	return text
}
