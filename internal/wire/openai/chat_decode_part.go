package openai

import (
	"strings"

	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
)

// chatPart reads one part of a message's content.
func chatPart(v jsondoc.Value) (inference.Part, error) {
	p := inference.Part{Path: v.Path}
	var kind string
	var body jsondoc.Value
	err := v.Members(func(key string, v jsondoc.Value) (err error) {
		switch key {
		case "type":
			return v.Text(&kind)
		case "text", "refusal":
			return v.Text(&p.Text)
		case "image_url", "input_audio", "file", "video_url", "thinking":
			body = v
		case "cache_control":
			p.Cache, err = cacheMark(v)
		case "prompt_cache_breakpoint":
			p.Cache = &inference.CacheMark{Dialect: inference.OpenAI}
		}
		return err
	})
	if err != nil {
		return p, err
	}
	switch kind {
	case "text", "input_text", "output_text":
	case "refusal":
		p.Kind = inference.PartRefusal
	case "image_url":
		p.Kind = inference.PartImage
		p.Media, err = chatAddress(body)
	case "video_url":
		p.Kind = inference.PartVideo
		p.Media, err = chatAddress(body)
	case "input_audio":
		p.Kind = inference.PartAudio
		p.Media, err = chatAudio(body)
	case "file":
		p.Kind = inference.PartDocument
		p.Media, err = chatFile(body)
	case "thinking":
		p.Kind = inference.PartReasoning
		p.Text, err = thinkingText(body)
	default:
		rest := chatRest(v)
		p.Kind, p.Other = inference.PartOther, &rest
	}
	return p, err
}

// chatAddress reads an image_url or video_url, which is an object or just the address.
func chatAddress(v jsondoc.Value) (*inference.Media, error) {
	m := &inference.Media{}
	var url string
	if v.IsString() {
		err := v.Text(&url)
		m.SetURL(url)
		return m, err
	}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "url":
			return v.Text(&url)
		case "detail":
			return v.Text(&m.Detail)
		}
		return nil
	})
	if err == nil && url == "" {
		err = required(v.Path+".url", "An address is needed.")
	}
	m.SetURL(url)
	return m, err
}

func chatAudio(v jsondoc.Value) (*inference.Media, error) {
	m := &inference.Media{}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "data":
			return v.Text(&m.Data)
		case "format":
			return v.Text(&m.Format)
		}
		return nil
	})
	if m.Format != "" {
		m.Type = "audio/" + m.Format
	}
	return m, err
}

func chatFile(v jsondoc.Value) (*inference.Media, error) {
	m := &inference.Media{}
	err := v.Members(func(key string, v jsondoc.Value) error {
		switch key {
		case "filename":
			return v.Text(&m.Name)
		case "file_id":
			return v.Text(&m.FileID)
		case "file_data":
			data, err := v.String()
			if m.SetDataURL(data); m.Data == "" {
				m.Data = data
			}
			return err
		}
		return nil
	})
	if m.Type == "" && strings.HasSuffix(strings.ToLower(m.Name), ".pdf") {
		m.Type = "application/pdf"
	}
	return m, err
}

// thinkingText joins the texts of a thinking part.
func thinkingText(v jsondoc.Value) (string, error) {
	if v.IsString() {
		return v.String()
	}
	var out strings.Builder
	err := v.Elements(func(v jsondoc.Value) error {
		return v.Members(func(key string, v jsondoc.Value) error {
			if key != "text" {
				return nil
			}
			text, err := v.String()
			out.WriteString(text)
			return err
		})
	})
	return out.String(), err
}
