package protocols_test

import (
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/gantry-ai/gantry/internal/domain/tasks"
	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

var parameter = regexp.MustCompile(`\{[^}]*\}|\*`)

// FuzzRoutes calls every route with anything in its path, its query, its headers and its body. Whatever comes is answered in
// the caller's protocol: no failure of ours, JSON where it says JSON, and for what is refused a code that programs can go by.
func FuzzRoutes(f *testing.F) {
	w := open(f)
	user := w.User("user")
	name, err := id.Parse("019c8a45-0a00-7000-8000-000000000001") // each process that looks makes the same seeds
	if err != nil {
		f.Fatal(err)
	}
	kept := tasks.Task{ID: name, TenantID: user.TenantID, UserID: user.ID, Status: tasks.Succeeded}
	w.Tasks.Rows = append(w.Tasks.Rows, kept)
	mounted := mountedOf(f, w)
	const form = "multipart/form-data; boundary=b"
	for n := range mounted {
		f.Add(uint8(n), "x", "limit=2&after=y", "", `{"model":"m","messages":[{"role":"user","content":"a"}],"input":"a","prompt":"a"}`)
		f.Add(uint8(n), "m:countTokens", "alt=sse&key=a&stream=true&starting_after=-1", form, "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--b--")
	}
	for n := range mounted {
		f.Add(uint8(n), "resp_"+kept.ID.Compact(), "include=a&order=asc&variant=video", "", `{"input_file_id":"file-`+kept.ID.Compact()+`","endpoint":"/v1/chat/completions"}`)
	}
	f.Fuzz(func(t *testing.T, n uint8, segment, query, contentType, body string) {
		method, path, _ := strings.Cut(mounted[int(n)%len(mounted)], " ")
		target := &url.URL{Path: parameter.ReplaceAllLiteralString(path, segment), RawQuery: query}
		req, err := http.NewRequestWithContext(t.Context(), method, "/", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.URL, req.RequestURI = target, target.RequestURI()
		if contentType == "" {
			contentType = "application/json"
		}
		req.Header = http.Header{"Content-Type": {contentType}, "Authorization": {w.Authorization("key")}}
		if n%2 == 1 && strings.Contains(path, "/v1/models") {
			req.Header.Set("Anthropic-Version", "2023-06-01")
		}
		checkSpoken(t, mounted[int(n)%len(mounted)], w.Serve(req))
	})
}

// mountedOf lists the routes, always in the same order.
func mountedOf(tb testing.TB, w *surfacetest.World) []string {
	tb.Helper()
	out := routesOf(tb, w)
	slices.Sort(out)
	return out
}

// checkSpoken holds what every answer is.
func checkSpoken(t *testing.T, route string, a *surfacetest.Answer) {
	t.Helper()
	if a.Status >= 500 && a.Status != http.StatusServiceUnavailable {
		t.Errorf("%s: %d %s", route, a.Status, a.Body)
	}
	kind, _, _ := mime.ParseMediaType(a.Header.Get("Content-Type"))
	if kind != "application/json" {
		return
	}
	if !json.Valid(a.Body) || !utf8.Valid(a.Body) {
		t.Errorf("%s: %q is no JSON", route, a.Body)
	}
	if a.Status < 400 {
		return
	}
	var said struct {
		Type  string `json:"type"`
		Error struct {
			Code    any    `json:"code"`
			Type    string `json:"type"`
			Status  string `json:"status"`
			Message string `json:"message"`
		} `json:"error"`
	}
	if err := json.Unmarshal(a.Body, &said); err != nil || said.Error.Message == "" || said.Error.Type+said.Error.Status == "" {
		t.Errorf("%s: %s tells no error, %v", route, a.Body, err)
	}
}
