package e2e

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// hostileCase is one bad input of e2e/hostile/cases.yaml and the outcome that it must have. The file's head says what its
// words mean.
type hostileCase struct {
	ID, Surface, Title, Kind, As string
	Method, Path, Query          string
	Headers                      map[string]string
	Body                         any
	BodyText                     *string        `yaml:"body_text"`
	BodyGen                      map[string]any `yaml:"body_gen"`
	Raw                          string
	Steps                        []any
	Fixture                      struct{ Env map[string]string }
	Expect                       struct {
		Status      []int
		Code, Shape string
		Invariants  []string
	}
}

type hostileFile struct {
	Vars  map[string]string
	Cases []*hostileCase
}

// readHostile reads the cases: those of the repository, or those of the file that HOSTILE_CASES names.
func readHostile(t *testing.T) hostileFile {
	t.Helper()
	name := "hostile/cases.yaml"
	if other := os.Getenv("HOSTILE_CASES"); other != "" {
		name = other
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var file hostileFile
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file
}

// hostileCodes are the file's names of errors where Gantry's own name differs.
var hostileCodes = map[string][]string{
	"invalid_token":     {"invalid_token", "invalid_api_key"},
	"too_many_requests": {"rate_limit"},
	"amount_invalid":    {"amount_invalid", "negative_balance"},
	"ip_not_allowed":    {"address_not_allowed"},
}

// hostileDifference is an outcome that is ours instead of the file's.
type hostileDifference struct {
	status []int
	code   string // "" does not look
	why    string
}

// hostileDifferences are cases whose outcome was decided otherwise. Each says why.
var hostileDifferences = map[string]hostileDifference{
	"HTTP-001": {[]int{400}, "invalid_json", "the chunked body is read as what it is, an empty one, and the connection ends behind it"},
	"HTTP-016": {[]int{200}, "", "no list of hosts is configured, and no link is built from a host"},
	"JSON-022": {[]int{413}, "body_too_large", "a name of 1 MiB makes a body that is too large, which is said first"},
	"UP-023":   {[]int{400}, "unsupported_input", "the simulated model takes no pictures, which is said before one is looked at"},
	"JSON-025": {[]int{415}, "unsupported_encoding", "compressed bodies are refused by their header, before any of it is read"},
	"JSON-027": {[]int{415}, "unsupported_encoding", "compressed bodies are refused by their header, before any of it is read"},
}

// expected returns the outcome that a case must have here: the statuses, and the codes of which one must be there.
func (c *hostileCase) expected() (status []int, codes []string) {
	if d, ok := hostileDifferences[c.ID]; ok {
		if d.code == "" {
			return d.status, nil
		}
		return d.status, []string{d.code}
	}
	if c.Expect.Code == "" {
		return c.Expect.Status, nil
	}
	if ours := hostileCodes[c.Expect.Code]; ours != nil {
		return c.Expect.Status, ours
	}
	return c.Expect.Status, []string{c.Expect.Code}
}

// openai reports whether an error must have the shape of OpenAI's.
func (c *hostileCase) openai() bool {
	return c.Expect.Shape == "openai" || c.Expect.Shape == "" && strings.HasPrefix(c.Path, "/v1/")
}
