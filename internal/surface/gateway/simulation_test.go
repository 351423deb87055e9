package gateway_test

import (
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/domain/identity"
	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

func TestSimulationAssets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, identity.Config{})
	const film = "/static/simulation/video.mp4"
	ask := func(ranges string, status int) *surfacetest.Answer {
		r := surfacetest.Request{Name: "asset " + ranges, Method: get, Path: film, Header: map[string]string{"Range": ranges}, Status: status}
		if status == 200 {
			r.Operation = "getSimulationAsset"
		}
		return w.Check(t, w.contract, r)
	}
	whole := ask("", 200)
	if string(whole.Body) != "a film of some bytes" || whole.Header.Get("Content-Type") != "video/mp4" || whole.Header.Get("Content-Security-Policy") == "" {
		t.Errorf("%s with %v", whole.Body, whole.Header)
	}
	if part := ask("bytes=2-3", 206); string(part.Body) != "fi" {
		t.Errorf("got %q", part.Body)
	}
	if many := ask("bytes="+strings.Repeat("0-,", 1000)+"0-", 200); string(many.Body) != string(whole.Body) {
		t.Errorf("a thousand ranges gave %d bytes", len(many.Body))
	}
	for _, path := range []string{"/static/simulation/..%2fimage.svg", "/static/simulation/none.png"} {
		none := w.Check(t, w.contract, surfacetest.Request{Name: path, Method: get, Path: path, Operation: "getSimulationAsset", Status: 404})
		if !strings.HasPrefix(none.Header.Get("Content-Type"), "text/plain") {
			t.Errorf("%s: %s as %s", path, none.Body, none.Header.Get("Content-Type"))
		}
	}
}
