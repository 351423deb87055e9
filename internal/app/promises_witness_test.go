package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/gantry-ai/gantry/internal/surface/surfacetest"
)

// witness asks an installation for what the gateway's contract documents, and writes down what it was answered. What holds
// against the contract is a promise kept.
type witness struct {
	*desk

	database  string
	kept      *surfacetest.Kept
	protocols *surfacetest.Contract
	scripts   map[string]*surfacetest.Transcript
	// good are the first questions of each operation that succeeded.
	good map[string]question
}

// question is a request of an operation. The contract tells method and path.
type question struct {
	name string // what is special about it
	as   string
	of   string // the object that the path names
	// query and body are as they are sent, with {names} for values of the desk.
	query, body string
	header      map[string]string
	// code and at are what an error must say; "" does not look.
	code, at string
	// relayed says that the answer is in the caller's own protocol, streamed that it comes as events.
	relayed, streamed bool
}

// ask asks an operation and expects an answer of a status.
func (w *witness) ask(operation string, status int, q question) *surfacetest.Answer {
	w.t.Helper()
	method, path := w.gateway.Place(operation)
	if from := strings.IndexByte(path, '{'); from >= 0 {
		to := strings.IndexByte(path, '}')
		path = path[:from] + q.of + path[to+1:]
	}
	r := surfacetest.Request{Name: q.name, As: q.as, Method: method, Path: path + q.query, Body: q.body, Header: q.header}
	a := w.deliver(&r)
	if err := w.judge(operation, status, &q, a); err != nil {
		w.t.Errorf("%s %d %s: %v: %.500s", operation, status, q.name, err, a.Body)
		return a
	}
	w.note(operation, &q, &r, a)
	return a
}

// note writes down a promise kept.
func (w *witness) note(operation string, q *question, r *surfacetest.Request, a *surfacetest.Answer) {
	w.kept.Add(surfacetest.Promise{Operation: operation, Status: a.Status}, w.database)
	if w.scripts[operation] == nil {
		w.scripts[operation] = &surfacetest.Transcript{}
	}
	w.scripts[operation].Add(r, a)
	if _, had := w.good[operation]; a.Status < 300 && !had {
		w.good[operation] = *q
	}
}

// judge holds an answer against what is expected and against the contract.
func (w *witness) judge(operation string, status int, q *question, a *surfacetest.Answer) error {
	if a.Status != status {
		return fmt.Errorf("status %d", a.Status)
	}
	media := a.Header.Get("Content-Type")
	err := w.gateway.CheckMedia(operation, status, media, a.Body)
	switch {
	case q.streamed:
		return errors.Join(err, isStream(media, a.Body))
	case !q.relayed:
		err = errors.Join(err, w.gateway.CheckAnswer(operation, status, a.Body))
	case status < 400:
		err = errors.Join(err, w.gateway.CheckShape(operation, status, a.Body))
	default: // all operations of the protocol have the same errors
		err = errors.Join(err, w.gateway.CheckShape(operation, status, a.Body), w.protocols.CheckAnswer("createEmbeddings", status, a.Body))
	}
	if status < 400 || media != "application/json" {
		return err
	}
	return errors.Join(err, says(q, a))
}

// isStream reports what is wrong with events: each holds JSON, or says that there are no more.
func isStream(media string, body []byte) error {
	events := 0
	for line := range strings.Lines(string(body)) {
		if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok {
			if events++; !json.Valid([]byte(data)) && data != "[DONE]" {
				return fmt.Errorf("event %d is not JSON: %.200s", events, data)
			}
		}
	}
	if media != "text/event-stream" || events == 0 {
		return fmt.Errorf("%d events of %q", events, media)
	}
	return nil
}

// says holds what an error says against what is expected.
func says(q *question, a *surfacetest.Answer) error {
	var got struct {
		Error struct {
			Code    string `json:"code"`
			Message string `json:"message"`
			Path    string `json:"path"`
			Param   string `json:"param"`
		} `json:"error"`
	}
	if err := json.Unmarshal(a.Body, &got); err != nil {
		return err
	}
	if e := got.Error; e.Message == "" || (q.code != "" && e.Code != q.code) || (q.at != "" && e.Path+e.Param != q.at) {
		return fmt.Errorf("want code %q at %q", q.code, q.at)
	}
	return nil
}

// made asks for something to be made and keeps its id as a value of the desk.
func (w *witness) made(value, operation string, q question) {
	w.t.Helper()
	var out struct {
		ID     string `json:"id"`
		APIKey struct {
			ID string `json:"id"`
		} `json:"apiKey"`
	}
	w.ask(operation, http.StatusCreated, q).JSON(w.t, &out)
	w.values[value] = out.ID + out.APIKey.ID
}

// refused asks for something that is refused for what is asked.
func (w *witness) refused(operation string, status int, code, at string, q question) {
	w.t.Helper()
	q.code, q.at = code, at
	w.ask(operation, status, q)
}
