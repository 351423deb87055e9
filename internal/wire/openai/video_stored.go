package openai

import (
	"encoding/json"

	"github.com/gantry-ai/gantry/internal/kernel/id"
	"github.com/gantry-ai/gantry/internal/wire"
)

// VideoAsked is what is kept of a request for a video: what a remix of it has in common with it, and is priced by.
type VideoAsked struct {
	Model       string `json:"model"`
	Prompt      string `json:"prompt"`
	Size        string `json:"size,omitempty"`
	Seconds     int64  `json:"seconds"`
	Quality     string `json:"quality,omitempty"`
	Resolution  string `json:"resolution,omitempty"`
	AspectRatio string `json:"aspect_ratio,omitempty"`
	Audio       *bool  `json:"audio,omitempty"`
	RemixedFrom string `json:"remixed_from_video_id,omitempty"`
	RunMode     string `json:"runMode,omitempty"`
}

// Remix is the request for a video made from this one, which is named source, with another prompt.
func (v VideoAsked) Remix(source, prompt string) []byte {
	v.RemixedFrom, v.Prompt = source, prompt
	out, _ := json.Marshal(v) //nolint:errchkjson // texts and a number
	return out
}

func videoAsked(a *wire.Ask) *VideoAsked {
	f := mediaFacts(a)
	v := &VideoAsked{
		Model: a.Model, Prompt: f.Prompt, Size: f.Size, Seconds: f.Seconds, Quality: f.Quality, Resolution: f.Resolution,
		AspectRatio: f.AspectRatio, RemixedFrom: f.RemixedFrom,
	}
	if f.Audio != "" {
		on := f.Audio == "true"
		v.Audio = &on
	}
	if f.SimulationMode {
		v.RunMode = "simulation"
	}
	return v
}

// Name is what callers know the video of a task by.
func (videoFormat) Name(task id.ID) string { return Name(PrefixVideo, task) }

// Named is the task of a video's name.
func (videoFormat) Named(name string) (id.ID, bool) { return ParseName(PrefixVideo, name) }

// Stored says that what was asked for is always kept: a video can be had by its name alone.
func (videoFormat) Stored(_ []byte, a *wire.Ask) wire.StoredAsk {
	asked := videoAsked(a)
	input, _ := json.Marshal(asked) //nolint:errchkjson // texts and a number
	return wire.StoredAsk{Keep: true, Input: input, Source: asked.RemixedFrom}
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
