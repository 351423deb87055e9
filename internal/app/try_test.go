package app

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gantry-ai/gantry/internal/provider/probe"
	"github.com/gantry-ai/gantry/internal/testkit/fakebedrock"
)

func passed(r probe.Report) (out []string) {
	for _, s := range r.Steps {
		if s.OK {
			out = append(out, s.Name)
		}
	}
	return out
}

// TestPlatformsAreTriedOutBesideTheProgram opens what is stored while it is being served.
func TestPlatformsAreTriedOutBesideTheProgram(t *testing.T) {
	t.Parallel()
	eachDatabase(t, func(t *testing.T, h *house) {
		t.Helper()
		server := httptest.NewServer(&fakebedrock.Server{})
		t.Cleanup(server.Close)
		var ids []string
		for _, name := range []string{"Clouds", "Twin", "Twin"} {
			var p named
			h.call("POST", "/api/admin/platforms", h.admin, map[string]any{
				"provider": "bedrock", "name": name, "baseUrl": server.URL,
				"credentials": map[string]any{"accessKey": fakebedrock.AccessKey, "secretKey": fakebedrock.SecretKey},
				"config":      map[string]any{"region": fakebedrock.Region, "controlUrl": server.URL},
			}, &p, 201)
			ids = append(ids, p.ID)
		}
		for _, name := range []string{"Clouds", ids[0], ids[2]} {
			r, err := TestPlatform(t.Context(), h.cfg, name, "")
			if got := strings.Join(passed(r), " "); err != nil || got != "resolve auth models call" || len(r.Models) != 3 {
				t.Errorf("%s: %s, %+v, %v", name, got, r, err)
			}
		}
		for name, want := range map[string]string{"nobody": "there is no platform nobody", "Twin": "several platforms are called Twin"} {
			if _, err := TestPlatform(t.Context(), h.cfg, name, ""); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if h.cfg.MasterKey.IsZero() {
			lost := filepath.Join(h.cfg.Data, "master.key")
			if err := os.Rename(lost, lost+".away"); err != nil {
				t.Fatal(err)
			}
			if _, err := TestPlatform(t.Context(), h.cfg, "Clouds", ""); err == nil || !strings.Contains(err.Error(), "master key") {
				t.Errorf("without a key: %v", err)
			}
			if _, err := os.Stat(lost); err == nil {
				t.Error("a key was made")
			}
		}
	})
}
