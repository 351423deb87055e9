package probe_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/provider/gemini"
	"github.com/gantry-ai/gantry/internal/testkit/fakegemini"
)

// TestUpstreamsOfOtherDialectsAreTriedOut asks Google's in Google's words.
func TestUpstreamsOfOtherDialectsAreTriedOut(t *testing.T) {
	t.Parallel()
	for model, action := range map[string]string{"gemini-2.5-flash": "generateContent", "gemini-embedding-001": "embedContent"} {
		fake := fakegemini.New(fakegemini.Options{})
		server := httptest.NewServer(fake)
		t.Cleanup(server.Close)
		report := prober(nil).Probe(t.Context(), gemini.Adapter{}, account(server.URL+"/v1beta", fakegemini.DefaultKey), model)
		last, _ := fake.Last()
		if got := states(report); strings.Contains(got, "!") || last.Action != action || last.Status != 200 {
			t.Errorf("%s: %s, last %s %d: %s", model, got, last.Path, last.Status, last.Body)
		}
	}
}
