package blob_test

import (
	"bytes"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/blob"
	"github.com/gantry-ai/gantry/internal/kernel/clock"
	"github.com/gantry-ai/gantry/internal/kernel/id"
)

// FuzzLinks presents anything as a link to a file, and as an address of one: no link is good that was not made here, and what
// is inside an address is at most what may be fetched.
func FuzzLinks(f *testing.F) {
	now := clock.NewManual(time.Date(2026, 11, 21, 9, 0, 0, 0, time.UTC))
	links, err := blob.NewLinks(bytes.Repeat([]byte{1}, 32), now.Now, time.Hour, "")
	if err != nil {
		f.Fatal(err)
	}
	file, err := id.Parse("019c8a45-0a00-7000-8000-000000000001") // each process that looks makes the same seeds
	if err != nil {
		f.Fatal(err)
	}
	good := links.URL(&blob.Blob{ID: file}, "https://h")
	fetcher := blob.NewFetcher(64)
	f.Add(good)
	f.Add(strings.Replace(good, "exp=1", "exp=9", 1))
	f.Add("data:image/png;base64,iVBORw0KGgo=")
	f.Add("data:;base64,====")
	f.Fuzz(func(t *testing.T, link string) {
		_, rest, _ := strings.Cut(link, blob.LinkPath)
		path, query, _ := strings.Cut(rest, "?")
		if values, err := url.ParseQuery(query); err == nil {
			if got, err := links.Check(path, values); err == nil && got != file {
				t.Errorf("%q opens %v", link, got)
			}
		}
		if again, ok := links.Renew(link); ok && !strings.Contains(again, file.String()) {
			t.Errorf("%q became %q", link, again)
		}
		if inline, ok := strings.CutPrefix(link, "data:"); ok {
			if content, err := fetcher.Fetch(t.Context(), "data:"+inline, ""); err == nil && len(content) > 64 {
				t.Errorf("%d bytes of %q", len(content), link)
			}
		}
	})
}
