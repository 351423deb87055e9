package fakeanthropic

import "github.com/gantry-ai/gantry/internal/testkit/record"

// Step says how one request is answered. The zero value answers as the real one would.
type Step struct {
	// Model limits the step to requests for this model; "" fits all.
	Model string
	// Fault is one of Faults.
	Fault string
	// After is how many events go out before a fault in the stream; for "hang" 0 means not even headers.
	After int
	// Ms is how long "slow" waits before the first byte; 0 means 3000.
	Ms int
	// Status, Headers and Body answer with just that; Status 0 means that the step does not.
	Status  int
	Headers map[string]string
	Body    string
	// Text replaces the text of the answer.
	Text string
}

// Faults are what can go wrong on request, by a step or by the model's name: "claude-haiku-4-5--500".
var Faults = []string{
	"400", "401", "402", "403", "404", "413", "429", "limited", "500", "504", "529", "credit", "context", // error answers
	"flaky",       // 529 unless the same body was sent before
	"hang",        // no answer, or none after some events, until the caller leaves
	"slow",        // a late first byte
	"cut",         // the connection breaks within an event, or within a whole answer
	"eof",         // the stream ends without its last events
	"nostop",      // only message_stop is missing
	"malformed",   // an answer that is not JSON
	"early_error", // an error right behind message_start
	"error_frame", // an error inside the stream
	"no_usage",    // no usage at all
	"bad_usage",   // a negative figure
	"refusal",     // the answer stops with a refusal
	"pause",       // the answer stops to be continued
	"unknown",     // an event of a type that nobody knows
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
		faultErrors["529"].write(e)
		return true
	case step.Fault == "hang" && (step.After == 0 || !stream):
		e.Hang()
		return true
	case step.Fault == "slow":
		return !e.Pause(step.Ms)
	case step.Fault == "malformed" && !stream:
		e.Header().Set("Content-Type", "application/json")
		_, _ = e.Write([]byte(`{"id":"msg_fake","type":"message","content":[{"type":`))
		return true
	}
	return false
}
