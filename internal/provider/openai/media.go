package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/provider"
	wire "github.com/gantry-ai/gantry/internal/wire/openai"
)

// payload is what goes out of a call's body. contentType is empty where it is JSON.
func payload(c *provider.Call) (body []byte, contentType string, err error) {
	switch c.Kind {
	case inference.ImageGenerations:
		return generating(c)
	case inference.ImageEdits:
		return editing(c)
	case inference.ImageVariations, inference.Transcriptions, inference.Translations:
		return filing(c)
	default:
		return c.Body, "", nil
	}
}

// filing writes what comes with a file as a form. What such requests hold takes 4 KiB of stack, which calls of other kinds do
// not need.
//
//go:noinline
func filing(c *provider.Call) (body []byte, contentType string, err error) {
	switch c.Kind {
	case inference.ImageVariations:
		f, err := wire.PeekVariations(c.Body)
		return formOf(&f, c, err)
	case inference.Transcriptions:
		f, err := wire.PeekTranscription(c.Body)
		return formOf(&f, c, err)
	default:
		f, err := wire.PeekTranslation(c.Body)
		return formOf(&f, c, err)
	}
}

// formOf writes a request as the form that the upstream wants.
func formOf(facts interface {
	Form(body []byte, without ...string) (form []byte, contentType string)
}, c *provider.Call, err error,
) (body []byte, contentType string, _ error) {
	if err != nil {
		return nil, "", err
	}
	body, contentType = facts.Form(c.Body)
	return body, contentType, nil
}

// picksForm reports whether a model can be told in which form its pictures are wanted. OpenAI's newer ones always answer in
// base64, and refuse to be asked.
func picksForm(model string) bool {
	return !strings.HasPrefix(model, "gpt-image") && !strings.HasPrefix(model, "chatgpt-image")
}

func generating(c *provider.Call) ([]byte, string, error) {
	if picksForm(c.Model) {
		return c.Body, "", nil
	}
	f, err := wire.PeekImages(c.Body)
	if err != nil || f.ResponseFormat == "" {
		return c.Body, "", err
	}
	return f.Without(c.Body, "response_format"), "", nil
}

// editing writes a form, as long as all pictures came along.
func editing(c *provider.Call) ([]byte, string, error) {
	f, err := wire.PeekEdits(c.Body)
	if err != nil {
		return nil, "", err
	}
	var without []string
	if !picksForm(c.Model) {
		without = []string{"response_format"}
	}
	if !f.IsFormable() {
		return f.EditJSON(c.Body, without...), "", nil
	}
	body, contentType := f.Form(c.Body, without...)
	return body, contentType, nil
}
