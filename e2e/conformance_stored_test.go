package e2e

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestConformanceOfWhatIsStored lets official clients, in their current and their previous major, have batches and videos made
// and name files; stored.mjs holds the checks.
func TestConformanceOfWhatIsStored(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	for module, vendor := range map[string]string{
		"anthropic-1": "anthropic", "anthropic-0": "anthropic", "openai-7": "openai", "openai-6": "openai",
	} {
		t.Run(module, func(t *testing.T) {
			t.Parallel()
			u := in.newUser("stored-"+module, "5") // each sees only what is its own
			cmd := exec.CommandContext(t.Context(), "node", "stored.mjs", module, vendor)
			cmd.Dir = "conformance/node"
			cmd.Env = append(os.Environ(), "GANTRY_URL="+in.url, "GANTRY_KEY="+u.key)
			if text, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(string(text), "ok\n") {
				t.Errorf("%v\n%s", err, text)
			}
		})
	}
}
