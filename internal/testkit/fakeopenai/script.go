package fakeopenai

import (
	"encoding/json"
	"net/http"
	"slices"

	"github.com/gantry-ai/gantry/internal/testkit/record"
)

// Step says how one request is answered. The zero value answers as the real one would.
type Step struct {
	// Model limits the step to requests for this model; "" fits all.
	Model string `json:"model,omitempty"`
	// Fault is one of Faults.
	Fault string `json:"fault,omitempty"`
	// After is how many events go out before a fault in the stream; for "hang" 0 means not even headers.
	After int `json:"after,omitempty"`
	// Ms is how long "slow" waits before the first byte; 0 means 3000.
	Ms int `json:"ms,omitempty"`
	// Status, Headers and Body answer with just that; Status 0 means that the step does not.
	Status  int               `json:"status,omitempty"`
	Headers map[string]string `json:"headers,omitempty"`
	Body    string            `json:"body,omitempty"`
	// Text replaces the text of the answer.
	Text string `json:"text,omitempty"`
}

// Faults are what can go wrong on request, by a step or by the model's name: "gpt-4o-mini--500".
var Faults = []string{
	"400", "401", "403", "404", "429", "quota", "context", "policy", "500", "502", "503", // error answers
	"flaky",       // 503 unless the same body was sent before
	"hang",        // no answer, or none after some events, until the caller leaves
	"slow",        // a late first byte
	"cut",         // the connection breaks within an event, or within a whole answer
	"eof",         // the stream ends without finish reason, usage and [DONE]
	"malformed",   // an answer that is not JSON
	"error_frame", // an error inside the stream
	"no_usage",    // no usage, asked for or not
	"bad_usage",   // more cached tokens than there were
	"cached",      // half the prompt came from the cache
	"ping",        // comments between events
	"split",       // a write per byte
	"batched",     // all events in one write
}

// step is how a request for the named model is to be answered.
func (s *Server) step(name string) (model string, step Step) {
	model, fault := splitModel(name)
	if step, ok := s.Next(func(step Step) bool { return step.Model == "" || step.Model == name }); ok {
		return model, step
	}
	return model, Step{Fault: fault}
}

// splitModel takes the fault off a model's name.
func splitModel(name string) (model, fault string) { return record.SplitModel(name, Faults) }

// control is the way in for tests that run the fake as a process of its own:
// POST /__fake/script takes {"steps":[Step…]}, POST /__fake/reset forgets, GET /__fake/requests lists.
func (s *Server) control(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /__fake/script":
		s.takeScript(w, r)
	case "POST /__fake/reset":
		s.Reset()
		writeJSON(w, http.StatusOK, map[string]bool{"ok": true})
	case "GET /__fake/requests":
		writeJSON(w, http.StatusOK, map[string]any{"requests": views(s.Requests())})
	default:
		http.NotFound(w, r)
	}
}

// view is a request as another process reads it.
type view struct {
	Method   string      `json:"method"`
	Path     string      `json:"path"`
	Header   http.Header `json:"header"`
	Body     string      `json:"body"`
	Model    string      `json:"model"`
	Status   int         `json:"status"`
	Canceled bool        `json:"canceled"`
}

func views(all []Request) []view {
	out := make([]view, len(all))
	for i, r := range all {
		out[i] = view{r.Method, r.Path, r.Header, string(r.Body), r.Model, r.Status, r.Canceled}
	}
	return out
}

func (s *Server) takeScript(w http.ResponseWriter, r *http.Request) {
	var script struct {
		Steps []Step `json:"steps"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&script); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for _, step := range script.Steps {
		if step.Fault != "" && !slices.Contains(Faults, step.Fault) {
			http.Error(w, "unknown fault "+step.Fault, http.StatusBadRequest)
			return
		}
	}
	s.Script(script.Steps...)
	writeJSON(w, http.StatusOK, map[string]int{"steps": len(script.Steps)})
}

// obey does what a step says of the answer as a whole. It reports whether the request is dealt with.
func (e *exchange) obey(step Step, stream bool) bool {
	switch {
	case step.Status != 0:
		for name, value := range step.Headers {
			e.Header().Set(name, value)
		}
		e.WriteHeader(step.Status)
		_, _ = e.Write([]byte(step.Body))
		return true
	case faultErrors[step.Fault] != nil:
		faultErrors[step.Fault].write(e)
		return true
	case step.Fault == "flaky" && !e.server.Before(e.Rec):
		faultErrors["503"].write(e)
		return true
	case step.Fault == "hang" && (step.After == 0 || !stream):
		e.Hang()
		return true
	case step.Fault == "slow":
		return !e.Pause(step.Ms)
	case step.Fault == "malformed" && !stream:
		e.Header().Set("Content-Type", "application/json")
		_, _ = e.Write([]byte(`{"id":"chatcmpl-fake","choices":[{"message":`))
		return true
	}
	return false
}
