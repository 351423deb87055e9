package mp4

import (
	"image"
	"image/color"
)

// block is the edge of a macroblock. The encoder knows one thing: macroblocks of a single colour. One whose neighbour has
// its colour is predicted from it and costs a few bits, one that is as it was is skipped, and any other is sent in plain.
// That is a valid stream of the constrained baseline profile, and needs no transform.
const block = 16

// Headers of units: reference importance and type.
const (
	unitSlice = 0x41
	unitKey   = 0x65
	unitSPS   = 0x67
	unitPPS   = 0x68
)

const (
	profile     = 66   // baseline
	constraints = 0xC0 // constrained
	level       = 40   // up to 8192 macroblocks
	frameBits   = 8    // of frame_num
)

// encoder turns pictures of one pixel for each macroblock into units.
type encoder struct {
	cols, rows    int
	width, height int
	last          []colour
	number        int // frames since the last key frame
	keys          int
}

type colour struct{ y, cb, cr byte }

// sps tells the size; what of the last macroblocks lies outside is cropped.
func (e *encoder) sps() []byte {
	var w bitWriter
	w.u(8, profile)
	w.u(8, constraints)
	w.u(8, level)
	w.ue(0)             // seq_parameter_set_id
	w.ue(frameBits - 4) // log2_max_frame_num_minus4
	w.ue(2)             // pic_order_cnt_type: shown in the order in which they come
	w.ue(1)             // max_num_ref_frames
	w.u(1, 0)           // gaps_in_frame_num_value_allowed_flag
	w.ue(e.cols - 1)
	w.ue(e.rows - 1)
	w.u(1, 1) // frame_mbs_only_flag
	w.u(1, 1) // direct_8x8_inference_flag
	right, bottom := (e.cols*block-e.width)/2, (e.rows*block-e.height)/2
	if right+bottom == 0 {
		w.u(1, 0)
	} else {
		w.u(1, 1) // frame_cropping_flag
		w.ue(0)
		w.ue(right)
		w.ue(0)
		w.ue(bottom)
	}
	w.u(1, 0) // vui_parameters_present_flag
	w.trailing()
	return unit(unitSPS, w.out)
}

func (*encoder) pps() []byte {
	var w bitWriter
	w.ue(0)   // pic_parameter_set_id
	w.ue(0)   // seq_parameter_set_id
	w.u(2, 0) // entropy_coding_mode_flag: CAVLC; bottom_field_pic_order_in_frame_present_flag
	w.ue(0)   // num_slice_groups_minus1
	w.ue(0)   // num_ref_idx_l0_default_active_minus1
	w.ue(0)   // num_ref_idx_l1_default_active_minus1
	w.u(3, 0) // weighted_pred_flag, weighted_bipred_idc
	w.ue(0)   // pic_init_qp_minus26
	w.ue(0)   // pic_init_qs_minus26
	w.ue(0)   // chroma_qp_index_offset
	w.u(3, 4) // deblocking_filter_control_present_flag: on; constrained_intra_pred_flag, redundant_pic_cnt_present_flag: off
	w.trailing()
	return unit(unitPPS, w.out)
}

// frame encodes a picture, as a key frame or by what changed since the last one.
func (e *encoder) frame(img *image.Paletted, key bool) []byte {
	var w bitWriter
	next := e.colours(img)
	if key {
		e.number, e.last = 0, nil
	}
	e.header(&w, key)
	s := slice{encoder: e, bitWriter: &w, next: next, plain: make([]bool, len(next))}
	for at := range next {
		s.macroblock(at)
	}
	if s.skipped > 0 {
		w.ue(s.skipped)
	}
	w.trailing()
	e.last = next
	e.number++
	if key {
		e.keys++
		return unit(unitKey, w.out)
	}
	return unit(unitSlice, w.out)
}

func (e *encoder) colours(img *image.Paletted) []colour {
	out := make([]colour, len(img.Pix))
	for i, p := range img.Pix {
		c := color.RGBAModel.Convert(img.Palette[p]).(color.RGBA) //nolint:forcetypeassert // the model's own
		out[i] = studio(c)
	}
	return out
}

// studio is a colour in the range that video uses where it says nothing else (BT.601, 16 to 235).
func studio(c color.RGBA) colour {
	r, g, b := int(c.R), int(c.G), int(c.B)
	at := func(sum, from int) byte { return byte(from + (sum+500)/1000) } //nolint:gosec // within 16 to 240
	return colour{at(257*r+504*g+98*b, 16), at(-148*r-291*g+439*b+128000, 0), at(439*r-368*g-71*b+128000, 0)}
}

// header writes the slice header; a picture is one slice.
func (e *encoder) header(w *bitWriter, key bool) {
	w.ue(0) // first_mb_in_slice
	if key {
		w.ue(7) // slice_type: all I
	} else {
		w.ue(5) // all P
	}
	w.ue(0)                          // pic_parameter_set_id
	w.u(frameBits, uint32(e.number)) //nolint:gosec // the lowest bits
	if key {
		w.ue(e.keys % 2) // idr_pic_id: another one than that of the key frame before
		w.u(2, 0)        // no_output_of_prior_pics_flag, long_term_reference_flag
	} else {
		w.u(3, 0) // num_ref_idx_active_override_flag, ref_pic_list_modification_flag_l0, adaptive_ref_pic_marking_mode_flag
	}
	w.ue(0) // slice_qp_delta
	w.ue(1) // disable_deblocking_filter_idc: colours stay as they are
}

// slice is a picture that is being written.
type slice struct {
	*encoder
	*bitWriter
	next    []colour
	plain   []bool // macroblocks that were sent in plain
	skipped int    // macroblocks since the last that was not
}

// Kinds of macroblocks in a key frame; in others five kinds of their own come before.
const (
	fromAbove = 1
	fromLeft  = 2
	inPlain   = 25
)

func (s *slice) macroblock(at int) {
	if s.last != nil {
		if s.last[at] == s.next[at] {
			s.skipped++
			return
		}
		s.ue(s.skipped)
		s.skipped = 0
	}
	hasLeft, hasAbove := at%s.cols > 0, at >= s.cols
	switch {
	case hasLeft && s.next[at-1] == s.next[at]:
		s.predicted(at, fromLeft, 1)
	case hasAbove && s.next[at-s.cols] == s.next[at]:
		s.predicted(at, fromAbove, 2)
	default:
		s.inPlain(at)
	}
}

func (s *slice) kind(k int) {
	if s.last != nil {
		k += 5
	}
	s.ue(k)
}

// predicted writes a macroblock that is what its neighbour is: prediction without a difference.
func (s *slice) predicted(at, kind, chroma int) {
	s.kind(kind)
	s.ue(chroma) // intra_chroma_pred_mode
	s.ue(0)      // mb_qp_delta
	// coeff_token of no coefficients; its code goes by how many the neighbours have, of which plain ones have 16.
	if at%s.cols > 0 && s.plain[at-1] || at >= s.cols && s.plain[at-s.cols] {
		s.u(6, 3)
	} else {
		s.u(1, 1)
	}
}

func (s *slice) inPlain(at int) {
	s.plain[at] = true
	s.kind(inPlain)
	s.align()
	c := s.next[at]
	for range block * block {
		s.out = append(s.out, c.y)
	}
	for range block * block / 4 {
		s.out = append(s.out, c.cb)
	}
	for range block * block / 4 {
		s.out = append(s.out, c.cr)
	}
}
