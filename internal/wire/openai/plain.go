package openai

import (
	"bytes"
	"encoding/json"
	"errors"

	"github.com/gantry-ai/gantry/internal/kernel/fault"
	"github.com/gantry-ai/gantry/internal/wire"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// facter is what requests have in common whose facts are more than Facts.
type facter interface{ common() *Facts }

func (f *Facts) common() *Facts { return f }

// plainFormat is what formats share that are neither chats nor pictures: what is changed of a request is its model.
type plainFormat struct{ common }

// Edit exchanges the model; runMode is Gantry's own and never goes out.
func (plainFormat) Edit(dst, body []byte, a *wire.Ask, c wire.Change) []byte {
	facts := a.FormatFacts.(facter).common() //nolint:forcetypeassert // what Peek stored
	return facts.Rewrite(dst, body, Change{Model: c.Model, StripRunMode: true})
}

// End returns nothing: these streams end with the event that completes them.
func (plainFormat) End() []byte { return nil }

// ErrorFrame writes the error as a stream's last event.
func (plainFormat) ErrorFrame(f *fault.Error) []byte { return errorEvent(f) }

// word reads a text of a few letters, such as the name of a voice; "" where it is absent.
func word(body []byte, span jsonscan.Field, name string) (string, error) {
	return text(body, span, name, maxWord)
}

// text reads a text; "" where it is absent.
func text(body []byte, span jsonscan.Field, name string, longest int) (string, error) {
	if !span.Found() || jsonscan.IsNull(body, span) {
		return "", nil
	}
	s, err := jsonscan.String(body, span)
	switch {
	case errors.Is(err, jsonscan.ErrType):
		return "", invalidType(name, "a string")
	case err != nil:
		return "", invalidValue(name, "'"+name+"' is not valid text.")
	case len(s) > longest:
		return "", tooLong(name)
	}
	return s, nil
}

// isErrorAnswer reports whether an answer that should be something else is an error in disguise: a JSON object, or a page.
func isErrorAnswer(body []byte) bool {
	start := bytes.TrimLeft(bytes.TrimPrefix(body[:min(len(body), 64)], byteOrderMark), " \t\r\n")
	if len(start) == 0 {
		return false
	}
	page := bytes.ToLower(start)
	return bytes.HasPrefix(page, []byte("<!doctype")) || bytes.HasPrefix(page, []byte("<html")) ||
		start[0] == '{' && json.Valid(body)
}
