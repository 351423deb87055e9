package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

var writeMatrix = flag.Bool("write", false, "write docs/conformance.md anew")

// conformanceScenarios are the columns of the matrix; each is had buffered and streamed.
var conformanceScenarios = []string{"text", "tools", "parallel_tools", "structured", "reasoning", "vision", "error", "cancel"}

// conformanceSDKs are its rows: official SDKs in their current and their previous major.
var conformanceSDKs = []conformanceSDK{
	{"openai-node 7", "chat", node("openai", "openai-7"), nodeErrors},
	{"openai-node 6", "chat", node("openai", "openai-6"), nodeErrors},
	{"openai-go 3", "chat", golang("current", "openai"), oneError("openai.Error")},
	{"openai-go 2", "chat", golang("previous", "openai"), oneError("openai.Error")},
	{"openai-node 7", "responses", node("openai", "openai-7"), nodeErrors},
	{"openai-node 6", "responses", node("openai", "openai-6"), nodeErrors},
	{"openai-go 3", "responses", golang("current", "openai"), oneError("openai.Error")},
	{"openai-go 2", "responses", golang("previous", "openai"), oneError("openai.Error")},
	{"@anthropic-ai/sdk 1", "messages", node("anthropic", "anthropic-1"), nodeErrors},
	{"@anthropic-ai/sdk 0", "messages", node("anthropic", "anthropic-0"), nodeErrors},
	{"anthropic-sdk-go 1", "messages", golang("current", "anthropic"), oneError("anthropic.Error")},
	{"anthropic-sdk-go 0", "messages", golang("previous", "anthropic"), oneError("anthropic.Error")},
	{"@google/genai 3", "generateContent", node("genai", "genai-3"), oneError("ApiError")},
	{"@google/genai 2", "generateContent", node("genai", "genai-2"), oneError("ApiError")},
	{"genai (Go) 1", "generateContent", golang("current", "genai"), oneError("genai.APIError")},
	{"genai (Go) 0", "generateContent", golang("previous", "genai"), oneError("genai.ClientError")},
}

// conformanceSDK is an SDK, what of it is called, the driver that calls it, and the classes of its errors by status.
type conformanceSDK struct {
	name, api string
	driver    func(t *testing.T) *exec.Cmd
	errors    map[int]string
}

var nodeErrors = map[int]string{http.StatusBadRequest: "BadRequestError", http.StatusNotFound: "NotFoundError"}

// oneError is for SDKs that have one class for all errors.
func oneError(class string) map[int]string {
	return map[int]string{http.StatusBadRequest: class, http.StatusNotFound: class}
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
	Mark     string           `json:"mark"`
	Stream   bool             `json:"stream"`
	Base     string           `json:"base"`
	Key      string           `json:"key,omitempty"`
	Model    string           `json:"model"`
	Seen     *conformanceSeen `json:"seen,omitempty"`

	sdk    *conformanceSDK
	family *conformanceFamily
}

// conformanceSeen is what a developer saw of it.
type conformanceSeen struct {
	Text      string            `json:"text"`
	Reasoning string            `json:"reasoning"`
	Calls     []conformanceCall `json:"calls"`
	Finish    string            `json:"finish"`
	Pieces    int               `json:"pieces"`
	Input     int64             `json:"input"`
	Output    int64             `json:"output"`
	Thought   int64             `json:"thought"`
	After     string            `json:"after"`
	Aborted   bool              `json:"aborted"`
	Error     *conformanceError `json:"error"`
	// Unknown is what became of the question for a model that there is not.
	Unknown *conformanceError `json:"unknown"`
}

// conformanceCall is a call of a tool.
type conformanceCall struct {
	ID   string         `json:"id"`
	Name string         `json:"name"`
	Args map[string]any `json:"args"`
}

// conformanceError is what a developer goes by.
type conformanceError struct {
	Class   string `json:"class"`
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
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
	for i := range conformanceSDKs {
		all.Go(func() {
			for _, c := range converse(t, &conformanceSDKs[i], in.url, u.key, families) {
				verdict := judge(c)
				mu.Lock()
				results[c.ID] = verdict
				mu.Unlock()
			}
		})
	}
	all.Wait()
	t.Log(tally(results))
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
	// cannotThink has no word for how much a model is to think, counts no thoughts, and cannot say again what was thought;
	// cannotCancel does not hear of cancelled contexts.
	cannotThink  = "genai (Go) 0"
	cannotCancel = "genai (Go) 0"
)

// converse has a driver make all conversations of an SDK.
func converse(t *testing.T, sdk *conformanceSDK, base, key string, families []*conformanceFamily) []*conformanceCell {
	t.Helper()
	cells := cellsOf(sdk, families)
	var jobs bytes.Buffer
	enc := json.NewEncoder(&jobs)
	for _, c := range cells {
		c.Base, c.Key = base, key
		if err := enc.Encode(c); err != nil {
			t.Error(err)
			return nil
		}
	}
	cmd := sdk.driver(t)
	cmd.Stdin = &jobs
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Errorf("%s: %v\n%s", sdk.name, err, stderr.String())
		return nil
	}
	if err := told(cells, out); err != nil {
		t.Errorf("%s: %v\n%s", sdk.name, err, stderr.String())
		return nil
	}
	return cells
}

// cellsOf are the conversations of an SDK, each with a mark of its own.
func cellsOf(sdk *conformanceSDK, families []*conformanceFamily) (cells []*conformanceCell) {
	for _, f := range families {
		for _, scenario := range conformanceScenarios {
			for _, stream := range []bool{false, true} {
				if scenario == "cancel" && sdk.name == cannotCancel {
					continue
				}
				cells = append(cells, &conformanceCell{
					ID: cellID(f, sdk, scenario, stream), SDK: sdk.name, API: sdk.api, Scenario: scenario, Stream: stream,
					Mark: fmt.Sprintf("(mark %06d)", marks.Add(1)), Model: f.model(scenario), sdk: sdk, family: f,
				})
			}
		}
	}
	return cells
}

var marks atomic.Int64

// told adds what a driver tells to the cells, which it may do in any order.
func told(cells []*conformanceCell, out []byte) error {
	byID := map[string]*conformanceCell{}
	for _, c := range cells {
		byID[c.ID] = c
	}
	d := json.NewDecoder(bytes.NewReader(out))
	for d.More() {
		var c conformanceCell
		if err := d.Decode(&c); err != nil {
			return fmt.Errorf("%w in\n%s", err, out)
		}
		byID[c.ID].Seen = c.Seen
	}
	for _, c := range cells {
		if c.Seen == nil {
			return errors.New("nothing of " + c.ID)
		}
	}
	return nil
}

func cellID(f *conformanceFamily, sdk *conformanceSDK, scenario string, stream bool) string {
	mode := "buffered"
	if stream {
		mode = "stream"
	}
	return strings.Join([]string{f.title, sdk.name, sdk.api, scenario, mode}, " | ")
}
