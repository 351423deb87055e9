package fakebedrock

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/testkit/fakeanthropic"
)

// Claude is what Anthropic's own API calls the model of the account.
const Claude = "claude-sonnet-4-5"

// checkClaude checks what Bedrock checks of Claude's body; the rest is judged by Claude.
func (c *exchange) checkClaude(members map[string]json.RawMessage) *fault {
	if !strings.Contains(c.model, "anthropic.") {
		return invalid("Malformed input request: extraneous key [anthropic_version] is not permitted, please reformat your input and try again.")
	}
	if f := known(members, "anthropic_version", "anthropic_beta", "max_tokens", "messages", "system", "temperature", "top_p", "top_k",
		"stop_sequences", "tools", "tool_choice", "thinking", "metadata", "output_config"); f != nil {
		return f
	}
	for _, name := range []string{"anthropic_version", "max_tokens", "messages"} {
		if members[name] == nil {
			return invalid(name + ": Field required")
		}
	}
	if string(members["anthropic_version"]) != `"bedrock-2023-05-31"` {
		return invalid("anthropic_version: Input should be 'bedrock-2023-05-31'")
	}
	return nil
}

// claude has Claude answer, and puts the answer as Bedrock does.
func (c *exchange) claude(members map[string]json.RawMessage, stream bool) {
	d := &door{c: c, header: http.Header{}, stream: stream}
	c.server.claude().Answer(d, c.r, members, Claude, stream)
	d.end()
}

// claude is the model; there is one for all accounts.
func (s *Server) claude() *fakeanthropic.Server {
	s.once.Do(func() { s.anthropic = fakeanthropic.New(fakeanthropic.Options{}) })
	return s.anthropic
}

// door takes an answer of Anthropic's API: events become frames, errors AWS's.
type door struct {
	c      *exchange
	header http.Header
	status int
	stream bool
	kept   bytes.Buffer // what is not streamed
	frames int
	broken bool
}

// Header implements http.ResponseWriter. What Anthropic's API says in headers, Bedrock does not.
func (d *door) Header() http.Header { return d.header }

// WriteHeader implements http.ResponseWriter.
func (d *door) WriteHeader(status int) {
	d.status = status
	if d.streams() {
		d.c.begin()
	}
}

func (d *door) streams() bool { return d.stream && d.status == http.StatusOK }

// Write implements http.ResponseWriter: one event a call.
func (d *door) Write(p []byte) (int, error) {
	if !d.streams() {
		return d.kept.Write(p)
	}
	_, data, _ := bytes.Cut(p, []byte("\ndata: "))
	if !d.broken {
		d.broken = !d.c.frame(d.frames, "chunk", map[string]any{"bytes": base64.StdEncoding.EncodeToString(metered(bytes.TrimSpace(data))), "p": "abc"})
		d.frames++
	}
	return len(p), nil
}

// metered adds Bedrock's own figures to the last event.
func metered(event []byte) []byte {
	if string(event) != `{"type":"message_stop"}` {
		return event
	}
	return marshal(map[string]any{"type": "message_stop", "amazon-bedrock-invocationMetrics": map[string]any{
		"invocationLatency": 321, "firstByteLatency": 123,
	}})
}

// names are AWS's names of what goes wrong.
var names = map[int]string{
	http.StatusBadRequest: "ValidationException", http.StatusNotFound: "ResourceNotFoundException",
	http.StatusTooManyRequests: "ThrottlingException",
}

func (d *door) end() {
	if d.streams() {
		return
	}
	if d.status == http.StatusOK {
		d.c.w.Header().Set("Content-Type", "application/json")
		_, _ = d.c.w.Write(d.kept.Bytes())
		return
	}
	var said struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
	}
	_ = json.Unmarshal(d.kept.Bytes(), &said) // Anthropic's errors are all of one shape
	name := names[d.status]
	if name == "" {
		name = "InternalServerException"
	}
	(&fault{d.status, name, said.Error.Message}).write(d.c.w)
}
