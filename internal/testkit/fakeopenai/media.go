package fakeopenai

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Models that make media. They are known without being among Options.Models.
const (
	ImageModel  = "gpt-image-1"
	LegacyModel = "dall-e-2"
	VideoModel  = "sora-2"
)

var (
	generationParams = []string{
		"model", "prompt", "n", "quality", "size", "output_format", "output_compression", "background", "moderation", "stream",
		"partial_images", "user",
	}
	legacyParams = append([]string{"response_format", "style"}, generationParams...)
	editFields   = append([]string{"image", "image[]", "mask", "input_fidelity"}, legacyParams...)
	videoParams  = []string{"model", "prompt", "seconds", "size", "input_reference"}
)

// Pixel is the picture that every image is.
var Pixel = func() []byte {
	raw, err := base64.StdEncoding.DecodeString("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
	if err != nil {
		panic(err)
	}
	return raw
}()

func (s *Server) images(w http.ResponseWriter, _ *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, legacyParams)
	if fault == nil && p["model"] == ImageModel {
		_, fault = decode(e.body, generationParams) // response_format is refused there
	}
	var n int64
	if fault == nil {
		n, fault = p.checkImages()
	}
	if fault != nil {
		fault.write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.pictures(int(n), p["response_format"] == "url", fmt.Sprint(p["model"])))
}

func (p params) checkImages() (int64, *apiError) {
	prompt, isText := p["prompt"].(string)
	switch {
	case !isText || prompt == "":
		return 0, invalid("prompt", "missing_required_parameter", "Missing required parameter: 'prompt'.")
	case strings.Contains(prompt, "forbidden"):
		return 0, &apiError{Status: 400, Type: "image_generation_user_error", Code: "moderation_blocked", Message: "Your request was rejected by the safety system."}
	case p["model"] != ImageModel && p["model"] != LegacyModel:
		return 0, &apiError{Status: 404, Code: "model_not_found", Param: "model", Message: "The model does not exist."}
	}
	n, given, fault := p.integer("n", 1, 10)
	if !given {
		n = 1
	}
	return n, fault
}

// pictures is the answer of n images. Addresses are of this server's.
func (s *Server) pictures(n int, url bool, model string) map[string]any {
	data := make([]any, n)
	for i := range data {
		data[i] = map[string]any{"b64_json": base64.StdEncoding.EncodeToString(Pixel)}
		if url {
			data[i] = map[string]any{"url": "https://images.invalid/" + strconv.Itoa(i) + ".png"}
		}
	}
	out := map[string]any{"created": s.options.Clock().Unix(), "data": data}
	if model == ImageModel {
		out["usage"] = map[string]any{
			"input_tokens": 50, "output_tokens": 272 * n, "total_tokens": 50 + 272*n,
			"input_tokens_details": map[string]int{"text_tokens": 10, "image_tokens": 40},
		}
	}
	return out
}

// edits takes forms alone, and every file must be the picture that it is said to be.
func (s *Server) edits(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	media, attributes, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != "multipart/form-data" {
		invalid("", "unsupported_content_type", "Expected multipart/form-data.").write(w)
		return
	}
	form := multipart.NewReader(bytes.NewReader(e.body), attributes["boundary"])
	fields, files := map[string]string{}, 0
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			invalid("", "invalid_multipart", "The form cannot be read.").write(w)
			return
		}
		content, _ := io.ReadAll(part)
		name := part.FormName()
		if fault := checkPart(name, part, content); fault != nil {
			fault.write(w)
			return
		}
		if part.FileName() != "" && name != "mask" {
			files++
		}
		fields[name] = string(content)
	}
	n, err := strconv.Atoi(fields["n"])
	if fields["n"] == "" {
		n, err = 1, nil
	}
	if err != nil || files == 0 || fields["prompt"] == "" || fields["model"] != ImageModel {
		invalid("image", "missing_required_parameter", "image, prompt and model are required.").write(w)
		return
	}
	writeJSON(w, http.StatusOK, s.pictures(n, false, ImageModel))
}

func checkPart(name string, part *multipart.Part, content []byte) *apiError {
	isFile := part.FileName() != ""
	switch {
	case !slices.Contains(editFields, name):
		return invalid(name, "unknown_parameter", "Unknown parameter: '%s'.", name)
	case isFile != (name == "image" || name == "image[]" || name == "mask"):
		return invalid(name, "invalid_type", "'%s' is of the wrong kind.", name)
	case isFile && part.Header.Get("Content-Type") != http.DetectContentType(content):
		return invalid(name, "invalid_image", "The file is no %s.", part.Header.Get("Content-Type"))
	}
	return nil
}

// Videos are the jobs that were submitted, by idempotency key.
type videoShop struct {
	mu    sync.Mutex
	jobs  map[string]*videoJob
	byKey map[string]string
}

type videoJob struct {
	id, prompt, size, seconds, key string
	from                           any // the video that it is made from; nil: none
	asked                          int
}

// Submitted is how many videos there are.
func (s *Server) Submitted() int {
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	return len(s.videos.jobs)
}

func (s *Server) submitVideo(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, videoParams)
	if fault == nil {
		fault = p.checkVideo()
	}
	if fault != nil {
		fault.write(w)
		return
	}
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if id := s.videos.byKey[key]; key != "" && id != "" {
		writeJSON(w, http.StatusOK, s.showVideo(s.videos.jobs[id]))
		return
	}
	j := &videoJob{
		id: "video_fake" + strconv.Itoa(len(s.videos.jobs)), prompt: fmt.Sprint(p["prompt"]), size: fmt.Sprint(p["size"]),
		seconds: fmt.Sprint(p["seconds"]), key: strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "),
	}
	s.videos.jobs[j.id], s.videos.byKey[key] = j, j.id
	writeJSON(w, http.StatusOK, s.showVideo(j))
}

// remixVideo makes a video of another one of the account's that is there.
func (s *Server) remixVideo(w http.ResponseWriter, r *http.Request) {
	e := w.(*exchange) //nolint:forcetypeassert // ServeHTTP made it
	p, fault := decode(e.body, []string{"prompt"})
	if prompt, _ := p["prompt"].(string); fault == nil && prompt == "" {
		fault = invalid("prompt", "missing_required_parameter", "Missing required parameter: 'prompt'.")
	}
	if fault != nil {
		fault.write(w)
		return
	}
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	from := s.video(w, r)
	switch key := r.Header.Get("Idempotency-Key"); {
	case from == nil:
	case key != "" && s.videos.byKey[key] != "":
		writeJSON(w, http.StatusOK, s.showVideo(s.videos.jobs[s.videos.byKey[key]]))
	case s.showVideo(from)["status"] != "completed":
		invalid("video_id", "invalid_value", "The video is not completed.").write(w)
	default:
		j := &videoJob{
			id: "video_fake" + strconv.Itoa(len(s.videos.jobs)), prompt: fmt.Sprint(p["prompt"]), size: from.size, seconds: from.seconds,
			key: from.key, from: from.id,
		}
		s.videos.jobs[j.id], s.videos.byKey[key] = j, j.id
		writeJSON(w, http.StatusOK, s.showVideo(j))
	}
}

func (p params) checkVideo() *apiError {
	prompt, _ := p["prompt"].(string)
	seconds, _ := p["seconds"].(string)
	size, _ := p["size"].(string)
	switch {
	case prompt == "":
		return invalid("prompt", "missing_required_parameter", "Missing required parameter: 'prompt'.")
	case p["model"] != VideoModel:
		return &apiError{Status: 404, Code: "model_not_found", Param: "model", Message: "The model does not exist."}
	case !slices.Contains([]string{"4", "8", "12"}, seconds):
		return invalid("seconds", "invalid_value", "Invalid value: '%s'. Supported values are: '4', '8', and '12'.", seconds)
	case p["size"] != nil && size != "720x1280" && size != "1280x720":
		return invalid("size", "invalid_value", "Invalid value: '%s'.", size)
	}
	if reference, given := p["input_reference"].(map[string]any); p["input_reference"] != nil && (!given || len(reference) != 1) {
		return invalid("input_reference", "invalid_type", "Expected an object with image_url or file_id.")
	}
	return nil
}

// showVideo is a job as it stands; the times that it was asked about move it on. A prompt that says so makes it fail.
func (s *Server) showVideo(j *videoJob) map[string]any {
	progress := []int{0, 0, 40, 90, 100}[min(j.asked, 4)]
	status := []string{"queued", "in_progress", "in_progress", "in_progress", "completed"}[min(j.asked, 4)]
	out := map[string]any{
		"id": j.id, "object": "video", "model": VideoModel, "created_at": s.options.Clock().Unix(), "completed_at": nil, "expires_at": nil,
		"prompt": j.prompt, "size": j.size, "seconds": j.seconds, "remixed_from_video_id": j.from, "error": nil,
	}
	if strings.Contains(j.prompt, "forbidden") && j.asked > 1 {
		status = "failed"
		out["error"] = map[string]string{"code": "moderation_blocked", "message": "Your request was blocked by our moderation system."}
	}
	if status == "completed" {
		out["completed_at"], out["expires_at"] = s.options.Clock().Unix(), s.options.Clock().Unix()+3600
	}
	out["status"], out["progress"] = status, progress
	return out
}

// video finds a job of the account that asks.
func (s *Server) video(w http.ResponseWriter, r *http.Request) *videoJob {
	j := s.videos.jobs[r.PathValue("id")]
	if j == nil || j.key != strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ") {
		(&apiError{Status: 404, Message: "Video with id '" + r.PathValue("id") + "' not found."}).write(w)
		return nil
	}
	return j
}

func (s *Server) getVideo(w http.ResponseWriter, r *http.Request) {
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	if j := s.video(w, r); j != nil {
		j.asked++
		writeJSON(w, http.StatusOK, s.showVideo(j))
	}
}

func (s *Server) deleteVideo(w http.ResponseWriter, r *http.Request) {
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	if j := s.video(w, r); j != nil {
		delete(s.videos.jobs, j.id)
		writeJSON(w, http.StatusOK, map[string]any{"id": j.id, "object": "video.deleted", "deleted": true})
	}
}

// Film is what every video is.
var Film = []byte("\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41")

func (s *Server) videoContent(w http.ResponseWriter, r *http.Request) {
	s.videos.mu.Lock()
	defer s.videos.mu.Unlock()
	j := s.video(w, r)
	switch {
	case j == nil:
	case s.showVideo(j)["status"] != "completed":
		(&apiError{Status: 404, Message: "Video is not ready yet, use GET /v1/videos/{video_id} to check status."}).write(w)
	default:
		w.Header().Set("Content-Type", "video/mp4")
		_, _ = w.Write(Film)
	}
}
