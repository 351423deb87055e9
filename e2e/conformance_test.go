package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

var writeMatrix = flag.Bool("write", false, "write docs/conformance.md anew")

// conformanceScenarios are the columns of the matrix; each is had buffered and streamed.
var conformanceScenarios = []string{"text", "tools", "parallel_tools", "structured", "reasoning", "vision", "error", "cancel"}

// conformanceSDKs are its rows: official SDKs in their current and their previous major.
var conformanceSDKs = []conformanceSDK{
	{"openai-node 7", "chat", node("openai", "openai-7")},
	{"openai-node 6", "chat", node("openai", "openai-6")},
	{"openai-go 3", "chat", golang("current", "openai")},
	{"openai-go 2", "chat", golang("previous", "openai")},
	{"openai-node 7", "responses", node("openai", "openai-7")},
	{"openai-node 6", "responses", node("openai", "openai-6")},
	{"openai-go 3", "responses", golang("current", "openai")},
	{"openai-go 2", "responses", golang("previous", "openai")},
	{"@anthropic-ai/sdk 1", "messages", node("anthropic", "anthropic-1")},
	{"@anthropic-ai/sdk 0", "messages", node("anthropic", "anthropic-0")},
	{"anthropic-sdk-go 1", "messages", golang("current", "anthropic")},
	{"anthropic-sdk-go 0", "messages", golang("previous", "anthropic")},
	{"@google/genai 3", "generateContent", node("genai", "genai-3")},
	{"@google/genai 2", "generateContent", node("genai", "genai-2")},
	{"genai (Go) 1", "generateContent", golang("current", "genai")},
	{"genai (Go) 0", "generateContent", golang("previous", "genai")},
}

// conformanceSDK is an SDK, what of it is called, and the driver that calls it.
type conformanceSDK struct {
	name, api string
	driver    func(t *testing.T) *exec.Cmd
}

func node(driver, module string) func(t *testing.T) *exec.Cmd {
	return func(t *testing.T) *exec.Cmd {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "node", driver+".mjs", module)
		cmd.Dir = "conformance/node"
		return cmd
	}
}

// goDrivers are built once: the majors of an SDK that have one import path are in modules of their own.
var goDrivers = sync.OnceValues(func() (map[string]string, error) {
	out := map[string]string{}
	for _, major := range []string{"current", "previous"} {
		out[major] = filepath.Join(built, major)
		build := exec.Command("go", "build", "-o", out[major], ".")
		build.Dir = "conformance/go/" + major
		if text, err := build.CombinedOutput(); err != nil {
			return nil, fmt.Errorf("go build %s: %w\n%s", major, err, text)
		}
	}
	return out, nil
})

func golang(major, driver string) func(t *testing.T) *exec.Cmd {
	return func(t *testing.T) *exec.Cmd {
		t.Helper()
		built, err := goDrivers()
		if err != nil {
			t.Error(err)
		}
		return exec.CommandContext(t.Context(), built[major], driver)
	}
}

// conformanceCell is one conversation, as drivers read it and as they tell it back.
type conformanceCell struct {
	ID       string           `json:"id"`
	SDK      string           `json:"sdk"`
	API      string           `json:"api"`
	Scenario string           `json:"scenario"`
	Stream   bool             `json:"stream"`
	Base     string           `json:"base"`
	Key      string           `json:"key,omitempty"`
	Model    string           `json:"model"`
	Seen     *conformanceSeen `json:"seen,omitempty"`
}

// conformanceSeen is what a developer saw of it.
type conformanceSeen struct {
	Text      string `json:"text"`
	Reasoning string `json:"reasoning"`
	Calls     []struct {
		ID   string         `json:"id"`
		Name string         `json:"name"`
		Args map[string]any `json:"args"`
	} `json:"calls"`
	Finish  string `json:"finish"`
	Pieces  int    `json:"pieces"`
	Input   int64  `json:"input"`
	Output  int64  `json:"output"`
	Thought int64  `json:"thought"`
	After   string `json:"after"`
	Aborted bool   `json:"aborted"`
	Error   *struct {
		Class   string `json:"class"`
		Status  int    `json:"status"`
		Code    any    `json:"code"`
		Message string `json:"message"`
	} `json:"error"`
}

// TestConformance has official SDKs talk to every family of upstreams. docs/conformance.md says how each conversation went;
// it must say what is true: a cell that got worse fails, and so does one that got better and was not written down.
func TestConformance(t *testing.T) {
	t.Parallel()
	in := start(t, t.TempDir())
	u := in.newUser("conformance", "1000")
	families := conformanceFamilies(t, in)
	if _, err := goDrivers(); err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, sdk := range conformanceSDKs {
		all.Go(func() {
			for _, c := range converse(t, sdk, in.url, u.key, families) {
				verdict := judge(&c, families)
				mu.Lock()
				results[c.ID] = verdict
				mu.Unlock()
			}
		})
	}
	all.Wait()
	got := conformanceMatrix(families, results)
	const path = "../docs/conformance.md"
	if *writeMatrix {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("docs/conformance.md does not say what is true (make conformance writes it anew):\n%s", different(string(want), got))
	}
	for _, id := range slices.Sorted(keysOf(results)) {
		if strings.HasPrefix(results[id], "✗") {
			t.Errorf("%s: %s", id, results[id])
		}
	}
}

// What SDKs cannot, whoever the upstream is.
const (
	// deafToDeltas takes the input's tokens from the beginning of a stream, where other protocols cannot know them.
	deafToDeltas = "anthropic-sdk-go 0"
	// cannotAskToThink has no word for how much a model is to think, and cannotCancel does not hear of cancelled contexts.
	cannotAskToThink = "genai (Go) 0"
	cannotCancel     = "genai (Go) 0"
)

// converse has a driver make all conversations of an SDK.
func converse(t *testing.T, sdk conformanceSDK, base, key string, families []*conformanceFamily) []conformanceCell {
	t.Helper()
	var jobs bytes.Buffer
	enc := json.NewEncoder(&jobs)
	for _, f := range families {
		for _, scenario := range conformanceScenarios {
			for _, stream := range []bool{false, true} {
				if scenario == "cancel" && sdk.name == cannotCancel {
					continue
				}
				cell := conformanceCell{
					ID: cellID(f, sdk, scenario, stream), SDK: sdk.name, API: sdk.api, Scenario: scenario, Stream: stream, Base: base,
					Key: key, Model: f.model(scenario),
				}
				if err := enc.Encode(&cell); err != nil {
					t.Error(err)
					return nil
				}
			}
		}
	}
	sent := bytes.Clone(jobs.Bytes())
	cmd := sdk.driver(t)
	cmd.Stdin = &jobs
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", sdk.name, err, stderr.String())
		return nil
	}
	var cells []conformanceCell
	d := json.NewDecoder(bytes.NewReader(out))
	for d.More() {
		var c conformanceCell
		if err := d.Decode(&c); err != nil {
			t.Errorf("%s: %v in\n%s", sdk.name, err, out)
			return nil
		}
		cells = append(cells, c)
	}
	if want := bytes.Count(sent, []byte{'\n'}); len(cells) != want {
		t.Errorf("%s: %d cells of %d\n%s", sdk.name, len(cells), want, stderr.String())
	}
	return cells
}

func cellID(f *conformanceFamily, sdk conformanceSDK, scenario string, stream bool) string {
	mode := "buffered"
	if stream {
		mode = "stream"
	}
	return strings.Join([]string{f.title, sdk.name, sdk.api, scenario, mode}, " | ")
}

// judge says how a conversation went: "✓", "refused" with the code of a typed refusal, or "✗" with what was wrong.
func judge(c *conformanceCell, families []*conformanceFamily) string {
	family := families[slices.IndexFunc(families, func(f *conformanceFamily) bool { return strings.HasPrefix(c.ID, f.title+" | ") })]
	s := c.Seen
	switch {
	case c.Scenario == "error":
		if s.Error == nil || s.Error.Status != http.StatusNotFound {
			return fmt.Sprintf("✗ no typed 404: %+v", s.Error)
		}
		return "✓"
	case s.Error != nil:
		if s.Error.Status == http.StatusBadRequest && strings.Contains(s.Error.Message, "does not") {
			return "refused"
		}
		return fmt.Sprintf("✗ %s %d %v %s", s.Error.Class, s.Error.Status, s.Error.Code, s.Error.Message)
	case c.Scenario == "cancel":
		if !s.Aborted {
			return "✗ the SDK did not see its own abort"
		}
		return "✓"
	case s.Input == 0 && !(c.Stream && c.SDK == deafToDeltas) || s.Output == 0:
		return fmt.Sprintf("✗ usage %d + %d", s.Input, s.Output)
	case c.Stream && s.Pieces == 0:
		return fmt.Sprintf("✗ a stream of %d pieces", s.Pieces)
	}
	return judgeContent(c, family)
}

func judgeContent(c *conformanceCell, family *conformanceFamily) string {
	s := c.Seen
	names := make([]string, 0, len(s.Calls))
	ids := map[string]bool{}
	for _, call := range s.Calls {
		names, ids[call.ID] = append(names, call.Name), true
	}
	called := strings.Join(names, " ")
	switch c.Scenario {
	case "tools", "parallel_tools":
		want := map[string]string{"tools": "get_weather", "parallel_tools": "get_weather get_time"}[c.Scenario]
		switch {
		case called != want || len(ids) != len(names) && !(ids[""] && c.API == "generateContent"): // Google gives no ids
			return fmt.Sprintf("✗ calls %q", called)
		case s.After == "":
			return "✗ nothing after the results"
		case !family.heard("get_weather says that it is sunny at noon."):
			return "✗ the upstream did not get the result"
		}
	case "structured":
		var object map[string]any
		if json.Unmarshal([]byte(s.Text), &object) != nil || len(object) == 0 {
			return fmt.Sprintf("✗ not JSON: %q", s.Text)
		}
	case "vision":
		if !family.heard(conformancePicture) {
			return "✗ the upstream did not get the picture"
		}
	case "reasoning":
		told := s.Reasoning != "" || s.Thought > 0
		if s.Text == "" || !told && (family.shows || c.API != "messages") && c.SDK != cannotAskToThink {
			return fmt.Sprintf("✗ text %q, reasoning %q, %d tokens", s.Text, s.Reasoning, s.Thought)
		}
	default:
		if !strings.Contains(strings.ToLower(s.Text), "hello") {
			return fmt.Sprintf("✗ text %q", s.Text)
		}
	}
	return "✓"
}

// conformancePicture is what drivers show.
const conformancePicture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="

// conformanceMatrix writes docs/conformance.md.
func conformanceMatrix(families []*conformanceFamily, results map[string]string) string {
	var b strings.Builder
	b.WriteString(conformanceHead)
	for _, f := range families {
		fmt.Fprintf(&b, "\n## %s\n\n| SDK | API |", f.title)
		for _, s := range conformanceScenarios {
			b.WriteString(" " + strings.ReplaceAll(s, "_", " ") + " |")
		}
		b.WriteString("\n|---|---|" + strings.Repeat("---|", len(conformanceScenarios)) + "\n")
		for _, sdk := range conformanceSDKs {
			fmt.Fprintf(&b, "| %s | %s |", sdk.name, sdk.api)
			for _, scenario := range conformanceScenarios {
				fmt.Fprintf(&b, " %s %s |", short(results[cellID(f, sdk, scenario, false)]), short(results[cellID(f, sdk, scenario, true)]))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

func short(verdict string) string {
	if verdict == "" {
		return "—"
	}
	mark, _, _ := strings.Cut(verdict, " ")
	return mark
}

const conformanceHead = `# Conformance

Official SDKs in their current and their previous major, each talking through Gantry to every family of upstreams. Each cell
has two marks, for a buffered and for a streamed conversation: ` + "`✓`" + ` it went as it would have gone at home; ` + "`refused`" + ` the
upstream's protocol cannot carry it, and the caller was told so with a typed error; ` + "`—`" + ` the SDK itself cannot. Nothing is
lost silently.

` + "`make conformance`" + ` has the conversations and writes this page; the tests fail where it is not true any more. Upstreams are
faithful fakes, which judge requests as strictly as the originals.
`

// different shows the lines that differ.
func different(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range max(len(w), len(g)) {
		a, c := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			c = g[i]
		}
		if a != c {
			fmt.Fprintf(&b, "- %s\n+ %s\n", a, c)
		}
	}
	return b.String()
}
