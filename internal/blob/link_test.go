package blob

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/gantry-ai/gantry/internal/kernel/id"
)

func TestLinksAreMadeAnew(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_760_000_000, 0)
	links, err := NewLinks([]byte("a master key of some length ....."), func() time.Time { return now }, time.Hour, "")
	if err != nil {
		t.Fatal(err)
	}
	file := Blob{ID: id.New()}
	old := links.URL(&file, "https://ai.example.org")
	now = now.Add(48 * time.Hour)
	fresh, ours := links.Renew(old)
	u, err := url.Parse(fresh)
	if err != nil || !ours || !strings.HasPrefix(fresh, "https://ai.example.org"+LinkPath) {
		t.Fatalf("%s (%v, %v)", fresh, ours, err)
	}
	if got, err := links.Check(strings.TrimPrefix(u.Path, LinkPath), u.Query()); err != nil || got != file.ID {
		t.Errorf("%s, %v", got, err)
	}
	_, query, _ := strings.Cut(old, "?")
	for _, link := range []string{
		"", "https://elsewhere.example/x.png", "https://ai.example.org" + LinkPath + id.New().String() + "?" + query,
		strings.Replace(old, "exp=", "exp=9", 1), strings.TrimSuffix(old, old[len(old)-1:]), LinkPath + "x?exp=1&sig=2", LinkPath + "%zz",
	} {
		if fresh, ours := links.Renew(link); ours {
			t.Errorf("%s was made %s", link, fresh)
		}
	}
}
