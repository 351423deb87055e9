package openai

import (
	"github.com/gantry-ai/gantry/internal/inference"
	"github.com/gantry-ai/gantry/internal/wire/jsondoc"
	"github.com/gantry-ai/gantry/internal/wire/jsonscan"
)

// The members of content parts that have a meaning here.
const (
	partType = iota
	partText
	partRefusal
	partImageURL
	partFileID
	partDetail
	partFileURL
	partFileData
	partFilename
	partAnnotations
	partLogprobs
	partBreakpoint
	numPartKeys
)

const (
	citeType = iota
	citeURL
	citeTitle
	citeStart
	citeEnd
	numCites
)

var (
	partNames = [numPartKeys]string{
		"type", "text", "refusal", "image_url", "file_id", "detail", "file_url", "file_data", "filename", "annotations", "logprobs",
		"prompt_cache_breakpoint",
	}
	partKeys  = jsonscan.NewKeys(partNames[:]...)
	partKnown = nameSet(partNames[:])
	citeKeys  = jsonscan.NewKeys("type", "url", "title", "start_index", "end_index")
)

// content reads a text or a list of parts.
func (r *responseReader) content(value []byte, path string) []inference.Part {
	if !isGiven(value) {
		return nil
	}
	if value[0] == '"' {
		return []inference.Part{{Text: r.text(value, path, ""), Path: path}}
	}
	var parts []inference.Part
	n := 0
	for it := r.list(value, path, ""); it.Next(); n++ {
		if part, ok := r.part(it.Value, indexPath(path, n)); ok {
			parts = append(parts, part)
		}
	}
	return parts
}

func (r *responseReader) part(raw []byte, path string) (inference.Part, bool) {
	var out [numPartKeys]jsonscan.Field
	if !r.scan(partKeys, raw, out[:], path) {
		r.fail(invalidType(path, "an object"))
		return inference.Part{}, false
	}
	part := inference.Part{Path: path}
	switch r.required(out[partType].In(raw), path, "type") {
	case "input_text", "output_text", "text":
		part.Text = r.text(out[partText].In(raw), path, "text")
		part.Citations = r.citations(out[partAnnotations].In(raw), path)
		part.Logprobs = r.logprobs(out[partLogprobs].In(raw), path)
	case "refusal":
		part.Kind, part.Text = inference.PartRefusal, r.text(out[partRefusal].In(raw), path, "refusal")
	case "input_image":
		part.Kind, part.Media = inference.PartImage, r.image(raw, &out, path)
	case "input_file":
		part.Kind, part.Media = inference.PartDocument, r.document(raw, &out, path)
	default:
		return otherPart(raw, path), !r.lenient // within an answer's message it is nothing that could be shown
	}
	if isGiven(out[partBreakpoint].In(raw)) {
		part.Cache = &inference.CacheMark{Dialect: inference.OpenAI}
	}
	r.others(raw, partKnown, path)
	return part, true
}

// logprobs reads the tokens of a text.
func (r *responseReader) logprobs(raw []byte, path string) []inference.Logprob {
	if len(raw) == len(rawEmptyList) || !isGiven(raw) {
		return nil
	}
	list, err := readLogprobs(jsondoc.Value{Raw: raw, Path: path + ".logprobs"})
	if err != nil {
		r.fail(invalidType(path+".logprobs", "a list of tokens"))
	}
	return list
}

func (r *responseReader) image(raw []byte, out *[numPartKeys]jsonscan.Field, path string) *inference.Media {
	m := &inference.Media{
		FileID: r.text(out[partFileID].In(raw), path, "file_id"), Detail: r.text(out[partDetail].In(raw), path, "detail"),
	}
	m.SetURL(r.text(out[partImageURL].In(raw), path, "image_url"))
	if m.FileID == "" && m.URL == "" && m.Data == "" {
		r.fail(missing(path+".image_url", "Missing required parameter: '"+path+".image_url'."))
	}
	return m
}

func (r *responseReader) document(raw []byte, out *[numPartKeys]jsonscan.Field, path string) *inference.Media {
	m := &inference.Media{
		FileID: r.text(out[partFileID].In(raw), path, "file_id"), Name: r.text(out[partFilename].In(raw), path, "filename"),
		Detail: r.text(out[partDetail].In(raw), path, "detail"),
	}
	if m.URL = r.text(out[partFileURL].In(raw), path, "file_url"); m.URL == "" {
		if data := r.text(out[partFileData].In(raw), path, "file_data"); !m.SetDataURL(data) {
			m.Data = data // base64 without saying so
		}
	}
	if m.FileID == "" && m.URL == "" && m.Data == "" {
		r.fail(missing(path+".file_data", "Missing required parameter: '"+path+".file_data'."))
	}
	return m
}

// citations reads annotations. Those that are not of an address are kept as they are.
func (r *responseReader) citations(list []byte, path string) []inference.Citation {
	var out []inference.Citation
	n := 0
	for it := r.list(list, path, "annotations"); it.Next(); n++ {
		out = append(out, r.citation(it.Value, indexPath(path+".annotations", n)))
	}
	return out
}

func (r *responseReader) citation(raw []byte, path string) inference.Citation {
	var out [numCites]jsonscan.Field
	if !r.scan(citeKeys, raw, out[:], path) || r.text(out[citeType].In(raw), path, "type") != "url_citation" {
		rest := responseRest(path, raw)
		return inference.Citation{Other: &rest}
	}
	return inference.Citation{
		URL: r.text(out[citeURL].In(raw), path, "url"), Title: r.text(out[citeTitle].In(raw), path, "title"),
		Start: int(r.integer(out[citeStart].In(raw), path+".start_index")),
		End:   int(r.integer(out[citeEnd].In(raw), path+".end_index")),
	}
}
