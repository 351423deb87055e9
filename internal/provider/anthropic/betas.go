package anthropic

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/gantry-ai/gantry/internal/provider"
)

// usualBetas are those that callers may use where an operator says nothing. Others have a price of their own (fast-mode),
// or reach what belongs to the account and not to the caller (files-api, skills, code execution).
// Source: the provider sheet, section 0.
var usualBetas = []string{
	"advanced-tool-use-2025-11-20", "compact-2026-01-12", "computer-use-2025-01-24", "computer-use-2025-11-24", "context-1m-2025-08-07",
	"context-management-2025-06-27", "extended-cache-ttl-2025-04-11", "fine-grained-tool-streaming-2025-05-14",
	"interleaved-thinking-2025-05-14", "mcp-client-2025-04-04", "mcp-client-2025-11-20", "output-128k-2025-02-19",
	"prompt-caching-2024-07-31", "prompt-caching-scope-2026-01-05", "redact-thinking-2026-02-12", "structured-outputs-2025-11-13",
	"token-counting-2024-11-01", "token-efficient-tools-2025-02-19",
}

// betas are the values of anthropic-beta that callers may use.
type betas struct {
	all   bool
	names []string
}

func parseBetas(text string) (betas, error) {
	if strings.TrimSpace(text) == "" {
		return betas{names: usualBetas}, nil
	}
	var b betas
	for name := range strings.SplitSeq(text, ",") {
		name = strings.TrimSpace(name)
		switch {
		case name == "*":
			b.all = true
		case !isBeta(name):
			return b, provider.FaultConfig("config.betas", "The betas are names with commas between them, or *.")
		default:
			b.names = append(b.names, name)
		}
	}
	return b, nil
}

func isBeta(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") == ""
}

// maxBetas bounds what one call may name.
const maxBetas = 32

// of returns what of a caller's values goes out, behind the operator's own.
func (b *betas) of(operators, callers []string) []string {
	out := slices.Clone(operators)
	for _, line := range callers {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			if isBeta(name) && (b.all || slices.Contains(b.names, name)) && !slices.Contains(out, name) && len(out) < maxBetas {
				out = append(out, name)
			}
		}
	}
	return out
}

// UsualBetas returns what of a caller's anthropic-beta goes out where an operator says nothing, behind the operator's own
// values. It is for adapters that reach the same models elsewhere.
func UsualBetas(operators, callers []string) []string {
	b := betas{names: usualBetas}
	return b.of(operators, callers)
}

// withCallers is a template's header with the caller's version and betas.
func (u *upstream) withCallers(own, callers http.Header) http.Header {
	if len(callers) == 0 {
		return own
	}
	version, wanted := own[versionHeader], own[betaHeader]
	if v := callers[versionHeader]; u.version == "" && len(v) == 1 && isVersion(v[0]) {
		version = v
	}
	if lines := callers[betaHeader]; len(lines) > 0 {
		wanted = u.betas.of(wanted, lines)
	}
	out := make(http.Header, len(own)+1)
	maps.Copy(out, own)
	out[versionHeader] = version
	if len(wanted) > 0 {
		out[betaHeader] = []string{strings.Join(wanted, ",")}
	}
	return out
}
