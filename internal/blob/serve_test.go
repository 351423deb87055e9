package blob

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// desk serves one file.
type desk struct {
	*Handler

	blob  Blob
	clock *clock.Manual
}

func newDesk(t *testing.T, content []byte) desk {
	t.Helper()
	l, _, c, _ := shelf(t)
	links, err := NewLinks(make([]byte, 32), c.Now, 10*time.Minute, "")
	if err != nil {
		t.Fatal(err)
	}
	b, err := l.Keep(t.Context(), &File{Content: content})
	if err != nil {
		t.Fatal(err)
	}
	refuse := func(w http.ResponseWriter, _ *http.Request, err error) {
		http.Error(w, fault.From(err).Code, fault.From(err).Status)
	}
	return desk{&Handler{Library: l, Links: links, Refuse: refuse}, b, c}
}

func (d desk) get(link string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodGet, link, nil)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, req)
	return w
}

func TestLinksServeFiles(t *testing.T) {
	t.Parallel()
	d := newDesk(t, picture)
	link := d.Links.URL(&d.blob, "https://ai.example.org")
	if !strings.HasPrefix(link, "https://ai.example.org/api/files/"+d.blob.ID.String()+"?exp=1760000600&sig=") {
		t.Fatalf("got %s", link)
	}
	w := d.get(link)
	for name, want := range map[string]string{
		"Content-Type": "image/png", "Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff",
		"Content-Disposition": `inline; filename="` + d.blob.ID.String() + `.png"`, "Cache-Control": "private, max-age=3600, immutable",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if w.Code != http.StatusOK || w.Body.String() != string(picture) {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
	if got := d.get(link, "If-None-Match", w.Header().Get("Etag")).Code; got != http.StatusNotModified {
		t.Errorf("status %d for what the caller has", got)
	}
	if got := d.get(link + "&download=1").Header().Get("Content-Disposition"); !strings.HasPrefix(got, "attachment;") {
		t.Errorf("got %s", got)
	}
}

func TestRanges(t *testing.T) {
	t.Parallel()
	d := newDesk(t, picture)
	link := d.Links.URL(&d.blob, "")
	w := d.get(link, "Range", "bytes=1-3")
	if w.Code != http.StatusPartialContent || w.Body.String() != "PNG" || w.Header().Get("Content-Range") == "" {
		t.Errorf("status %d, %q", w.Code, w.Body)
	}
	w = d.get(link, "Range", "bytes="+strings.Repeat("0-0,", 1000)+"0-0")
	if w.Code != http.StatusOK || w.Body.Len() != len(picture) {
		t.Errorf("status %d, %d bytes for a thousand ranges", w.Code, w.Body.Len())
	}
	if got := d.get(link, "Range", "bytes=9999-").Code; got != http.StatusRequestedRangeNotSatisfiable {
		t.Errorf("status %d beyond the end", got)
	}
}

func TestWhatIsNoMediumIsDownloaded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, []byte("<html><script>alert(1)</script>"))
	w := d.get(d.Links.URL(&d.blob, ""))
	if w.Header().Get("Content-Type") != unknown || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment;") {
		t.Errorf("got %v", w.Header())
	}
}

func TestLinksThatAreNoneAreRefused(t *testing.T) {
	t.Parallel()
	d := newDesk(t, picture)
	good, err := url.Parse(d.Links.URL(&d.blob, ""))
	if err != nil {
		t.Fatal(err)
	}
	changed := func(change func(*url.URL, url.Values)) string {
		u, q := *good, good.Query()
		change(&u, q)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, link := range map[string]string{
		"another file":   changed(func(u *url.URL, _ url.Values) { u.Path = LinkPath + id.New().String() }),
		"no file":        changed(func(u *url.URL, _ url.Values) { u.Path = LinkPath + "x" }),
		"a later end":    changed(func(_ *url.URL, q url.Values) { q.Set("exp", "9999999999") }),
		"no end":         changed(func(_ *url.URL, q url.Values) { q.Del("exp") }),
		"no signature":   changed(func(_ *url.URL, q url.Values) { q.Del("sig") }),
		"another one":    changed(func(_ *url.URL, q url.Values) { q.Set("sig", strings.Repeat("A", 43)) }),
		"two signatures": changed(func(_ *url.URL, q url.Values) { q.Add("sig", q.Get("sig")) }),
		"signed by others": func() string {
			other, err := NewLinks([]byte(strings.Repeat("k", 32)), d.clock.Now, time.Hour, "")
			if err != nil {
				t.Fatal(err)
			}
			return other.URL(&d.blob, "")
		}(),
	} {
		if w := d.get(link); w.Code != http.StatusForbidden || strings.TrimSpace(w.Body.String()) != "link_invalid" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	d.clock.Advance(10 * time.Minute)
	if w := d.get(good.String()); w.Code != http.StatusForbidden || strings.TrimSpace(w.Body.String()) != "link_expired" {
		t.Errorf("after its time: %d %s", w.Code, w.Body)
	}
	fresh := d.Links.URL(&d.blob, "")
	if err := d.Library.Delete(t.Context(), d.blob.ID); err != nil {
		t.Fatal(err)
	}
	if w := d.get(fresh); w.Code != http.StatusNotFound {
		t.Errorf("a file that is gone: %d %s", w.Code, w.Body)
	}
}

func TestLinksEndWithTheFile(t *testing.T) {
	t.Parallel()
	d := newDesk(t, picture)
	d.clock.Advance(55 * time.Minute)
	if link := d.Links.URL(&d.blob, ""); !strings.Contains(link, "exp=1760003600&") {
		t.Errorf("got %s", link)
	}
	public, err := NewLinks(make([]byte, 32), d.clock.Now, time.Minute, "https://public.example")
	if err != nil {
		t.Fatal(err)
	}
	if link := public.URL(&d.blob, "http://10.0.0.1"); !strings.HasPrefix(link, "https://public.example/api/files/") {
		t.Errorf("got %s", link)
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	var hits int
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		hits++
		switch req.URL.Path {
		case "/a.png":
			_, _ = w.Write(picture)
		case "/large":
			_, _ = w.Write(make([]byte, 200))
		case "/elsewhere":
			http.Redirect(w, req, "/a.png", http.StatusFound)
		default:
			http.NotFound(w, req)
		}
	}))
	t.Cleanup(server.Close)
	f := NewFetcher(100)
	t.Cleanup(f.CloseIdleConnections)
	if got, err := f.Fetch(t.Context(), server.URL+"/a.png", server.URL+"/v1"); string(got) != string(picture) || err != nil {
		t.Errorf("the upstream's own address: %q, %v", got, err)
	}
	if got, err := f.Fetch(t.Context(), "data:image/png;base64,QUJD", ""); string(got) != "ABC" || err != nil {
		t.Errorf("a data URL: %q, %v", got, err)
	}
	hits = 0
	for _, address := range []string{server.URL + "/a.png", "http://localhost:1/", "http://[::1]:1/", "http://169.254.169.254/", "file:///etc/passwd", "data:,x", "data:image/png;base64,@@", "x"} {
		if _, err := f.Fetch(t.Context(), address, "https://upstream.example/v1"); err == nil {
			t.Errorf("%s was fetched", address)
		} else if strings.Contains(err.Error(), server.URL) {
			t.Errorf("the error names the address: %v", err)
		}
	}
	if hits > 0 {
		t.Errorf("a private address was called %d times", hits)
	}
	for _, path := range []string{"/large", "/missing", "/elsewhere"} {
		if _, err := f.Fetch(t.Context(), server.URL+path, server.URL); err == nil {
			t.Errorf("%s was fetched", path)
		}
	}
	if _, err := f.Fetch(t.Context(), "data:image/png;base64,"+strings.Repeat("QUJD", 50), ""); err == nil {
		t.Error("a data URL that is too large was taken")
	}
}
