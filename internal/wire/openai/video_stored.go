package openai

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// VideoAsked is what is kept of a request for a video.
type VideoAsked struct {
	Model   string `json:"model"`
	Prompt  string `json:"prompt"`
	Size    string `json:"size,omitempty"`
	Seconds int64  `json:"seconds"`
}

// Name is what callers know the video of a task by.
func (videoFormat) Name(task id.ID) string { return Name(PrefixVideo, task) }

// Named is the task of a video's name.
func (videoFormat) Named(name string) (id.ID, bool) { return ParseName(PrefixVideo, name) }

// Stored says that what was asked for is always kept: a video can be had by its name alone.
func (videoFormat) Stored(_ []byte, a *wire.Ask) wire.StoredAsk {
	f := mediaFacts(a)
	input, _ := json.Marshal(VideoAsked{a.Model, f.Prompt, f.Size, f.Seconds}) //nolint:errchkjson // texts and a number
	return wire.StoredAsk{Keep: true, Input: input}
}

// Continue returns the request: a video continues nothing.
func (videoFormat) Continue(dst, body []byte, _ *wire.Ask, _ []wire.Turn, _ bool) []byte {
	return append(dst, body...)
}

// Rename returns the answer: a task makes its own.
func (videoFormat) Rename(dst, answer []byte, _ *wire.Names) []byte { return append(dst, answer...) }

// FromForm turns a form into JSON: the picture to begin with becomes a data URL.
func (videoFormat) FromForm(body []byte, boundary string) ([]byte, error) {
	out, err := VideoForm(body, boundary)
	if err != nil {
		return nil, requestFault(err)
	}
	return out, nil
}

var (
	_ wire.Storing = videoFormat{}
	_ wire.Former  = videoFormat{}
)
