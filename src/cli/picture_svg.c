/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The picture as SVG; see picture_svg.h.
 *
 * One panel below the other, each GPU's units side by side. Colours are classes of one style sheet,
 * which has a dark variant for viewers that ask for it; the document has its own background, so that
 * it can be read on any page. Nothing is loaded from elsewhere.
 */
#include "cli/picture_svg.h"

#include <string.h>

#include "cli/boxes.h"
#include "core/holders.h"
#include "shared/text.h"
#include "shared/utf8.h"

#define PAGE_WIDTH   960
#define MARGIN	     24
#define BOX_HEIGHT   92
#define CI_HEIGHT    40
#define LINE_HEIGHT  18
#define PANEL_GAP    26
#define ROOM_COLUMNS 80
#define GLYPH_WIDTH  7.3 /* about, of the small text: for cutting */

static const char style_sheet[] =
	"<style>\n"
	".page{fill:#ffffff}.ink{fill:#1f2328}.faint{fill:#656d76}.wrong{fill:#b42318}\n"
	".held{fill:#8a4b00}.room{fill:#1a7f37}\n"
	".gi{fill:#ddebfb;stroke:#2f6fb5}.ci{fill:#ffffff;stroke:#6f9bd1}\n"
	".used{fill:#ffe3b8;stroke:#c27a00}.free{fill:#f3f5f7;stroke:#a8b1ba;stroke-dasharray:5 "
	"4}\n"
	".full{fill:#2f6fb5}.empty{fill:#e3e7eb}\n"
	"text{font-family:'DejaVu Sans',Verdana,Arial,sans-serif;font-size:12px}\n"
	".title{font-size:16px;font-weight:bold}.name{font-size:14px;font-weight:bold}\n"
	".unit{font-size:10px}\n"
	"@media (prefers-color-scheme: dark){\n"
	".page{fill:#14181d}.ink{fill:#e6edf3}.faint{fill:#9aa4af}.wrong{fill:#ff8f85}\n"
	".held{fill:#ffc271}.room{fill:#6bd487}\n"
	".gi{fill:#17304d;stroke:#5b9be0}.ci{fill:#0f2136;stroke:#4a78ad}\n"
	".used{fill:#4a3209;stroke:#d99a2b}.free{fill:#1b2026;stroke:#59636e}\n"
	".full{fill:#5b9be0}.empty{fill:#2a3138}}\n"
	"</style>\n";

struct page {
	struct mig_buf *out;
	unsigned int y;
};

/* ---- words -------------------------------------------------------------------------------------- */

/* Foreign text: what XML has a meaning for is escaped, what XML cannot hold becomes U+FFFD. */
static void put_escaped(struct mig_buf *out, const char *text)
{
	size_t left = strlen(text);

	while (left > 0) {
		size_t len = mig_utf8_length(text, left);
		unsigned char c = (unsigned char)*text;

		if (len == 0 || (c < ' ' && c != '\t') || c == 0x7f ||
		    (len == 3 && (memcmp(text, "\xef\xbf\xbe", 3) == 0 ||
				  memcmp(text, "\xef\xbf\xbf", 3) == 0)))
			mig_buf_puts(out, "\xef\xbf\xbd");
		else if (c == '&')
			mig_buf_puts(out, "&amp;");
		else if (c == '<')
			mig_buf_puts(out, "&lt;");
		else if (c == '>')
			mig_buf_puts(out, "&gt;");
		else if (c == '"')
			mig_buf_puts(out, "&quot;");
		else
			mig_buf_add(out, text, len);
		len = MIG_MAX(len, 1);
		text += len;
		left -= len;
	}
}

static void put_text(const struct page *page, double x, double y, const char *class,
		     const char *text)
{
	mig_buf_printf(page->out, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
	put_escaped(page->out, text);
	mig_buf_puts(page->out, "</text>\n");
}

/* ASCII text, cut to a width in pixels. */
static void put_cut(const struct page *page, double x, double y, double width, const char *class,
		    const char *text)
{
	size_t room = width > 0 ? (size_t)(width / GLYPH_WIDTH) : 0;
	_cleanup_buf_ struct mig_buf cut = MIG_BUF_INIT(4096);

	if (room == 0 || text[0] == '\0')
		return;
	if (strlen(text) <= room)
		mig_buf_puts(&cut, text);
	else
		mig_buf_printf(&cut, "%.*s\xe2\x80\xa6", (int)room - 1, text);
	put_text(page, x, y, class, mig_buf_text(&cut));
}

static void put_rect(const struct page *page, double x, double y, double width, double height,
		     const char *class)
{
	mig_buf_printf(page->out,
		       "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"3\" "
		       "class=\"%s\"/>\n",
		       x, y, width, height, class);
}

/* ---- boxes -------------------------------------------------------------------------------------- */

static void put_part(const struct page *page, const struct mig_box *box,
		     const struct mig_box_part *part, double x, double y, double width)
{
	char text[MIG_BOX_TEXT_SIZE];
	bool is_held = part->ci != NULL && part->ci->holder_count > 0;

	put_rect(page, x, y, width, CI_HEIGHT, part->ci == NULL ? "free" : is_held ? "used" : "ci");
	mig_box_part_text(box, part, text);
	put_cut(page, x + 6, y + 16, width - 8, part->ci == NULL ? "room" : "ink", text);
	mig_box_holder_text(part, text);
	put_cut(page, x + 6, y + 32, width - 8, "held", text);
}

static void put_instance(const struct page *page, const struct mig_boxes *boxes,
			 const struct mig_box *box, double x, double y, double width)
{
	const char *name = mig_box_profile(boxes, box);
	double inner = width - 12;
	char id[16];

	put_rect(page, x, y, width, BOX_HEIGHT, "gi");
	put_cut(page, x + 8, y + 18, (width - 10) * 0.85, "name ink", name);
	mig_text_format(id, sizeof(id), "GI %u", box->gi->id);
	put_cut(page, x + 8, y + 35, width - 10, "faint", id);
	if (box->part_count == 0)
		put_cut(page, x + 8, y + 62, width - 10, "wrong", "no CI");
	for (unsigned int i = 0; i < box->part_count; i++) {
		const struct mig_box_part *part = &box->parts[i];
		double from = inner * part->start / box->slices;

		put_part(page, box, part, x + 6 + from, y + 44,
			 inner * part->size / box->slices - (i + 1 < box->part_count ? 3 : 0));
	}
}

static void put_free(const struct page *page, const struct mig_boxes *boxes,
		     const struct mig_box *box, double x, double y, double width)
{
	_cleanup_buf_ struct mig_buf fits = MIG_BUF_INIT(4096);
	unsigned int lines = 0;
	const char *words;

	put_rect(page, x, y, width, BOX_HEIGHT, "free");
	mig_box_fits(boxes, box, &fits);
	put_cut(page, x + 8, y + 18, width - 10, fits.len > 0 ? "name room" : "faint",
		fits.len > 0 ? "free" : "unused");
	words = mig_buf_text(&fits);
	while (*words != '\0' && lines < 4) {
		size_t room = (size_t)((width - 10) / GLYPH_WIDTH), used = 0;
		char text[128];

		while (words[used] != '\0') {
			size_t len = strcspn(words + used, " ");

			if (used > 0 && used + len > room)
				break;
			used += len;
			used += words[used] == ' ';
			if (used >= sizeof(text) - 1)
				break;
		}
		mig_text_format(text, sizeof(text), "%.*s", (int)used, words);
		put_cut(page, x + 8, y + 35 + 16 * lines, width, "room", text);
		words += used;
		lines++;
	}
}

/* ---- a GPU -------------------------------------------------------------------------------------- */

static void put_gauge(const struct page *page, double x, double y, const char *label,
		      unsigned int used, unsigned int all)
{
	char text[64];

	mig_text_format(text, sizeof(text), "%s %u/%u", label, used, all);
	put_text(page, x, y, "faint", text);
	for (unsigned int i = 0; i < all; i++)
		put_rect(page, x + 150 + 13 * i, y - 9, 10, 10, i < used ? "full" : "empty");
}

static void put_boxes(struct page *page, const struct mig_gpu *gpu)
{
	double unit = (double)(PAGE_WIDTH - 2 * MARGIN) / gpu->facts->units;
	struct mig_boxes boxes;

	mig_boxes_of(gpu, &boxes);
	put_gauge(page, MARGIN, page->y - 2, "compute slices", boxes.used_slices, boxes.slices);
	put_gauge(page, MARGIN + 420, page->y - 2, "memory units", boxes.used_units, boxes.units);
	page->y += 16;
	for (unsigned int u = 0; u < boxes.units; u++) {
		char number[16];

		mig_text_format(number, sizeof(number), "%u", u);
		put_text(page, MARGIN + unit * u + 2, page->y + 4, "unit faint", number);
	}
	page->y += 9;
	for (unsigned int i = 0; i < boxes.count; i++) {
		const struct mig_box *box = &boxes.box[i];
		double x = MARGIN + unit * box->start;

		if (box->gi == NULL)
			put_free(page, &boxes, box, x, page->y, unit * box->size - 4);
		else
			put_instance(page, &boxes, box, x, page->y, unit * box->size - 4);
	}
	page->y += BOX_HEIGHT + LINE_HEIGHT;
}

/* What fits beside each other, of which the free rooms may say too little. */
static void put_room(struct page *page, const struct mig_gpu *gpu)
{
	_cleanup_buf_ struct mig_buf room = MIG_BUF_INIT(16384);
	const char *line;
	bool has_room;

	has_room = mig_status_room(gpu, ROOM_COLUMNS, &room);
	mig_status_ci_room(gpu, &room);
	line = mig_buf_text(&room);
	while (*line != '\0') {
		char text[ROOM_COLUMNS + 1];

		line += strspn(line, " ");
		mig_text_format(text, sizeof(text), "%.*s", (int)strcspn(line, "\n"), line);
		put_text(page, MARGIN, page->y, has_room ? "room" : "faint", text);
		page->y += LINE_HEIGHT;
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
}

static void put_holder_line(struct page *page, const char *where, const struct mig_holder *holder)
{
	_cleanup_buf_ struct mig_buf text = MIG_BUF_INIT(4096);

	mig_holder_describe(holder, &text);
	mig_buf_printf(page->out, "<text x=\"%d\" y=\"%u\" class=\"held\">in use: %s by ", MARGIN,
		       page->y, where);
	put_escaped(page->out, mig_buf_text(&text));
	mig_buf_puts(page->out, "</text>\n");
	page->y += LINE_HEIGHT;
}

static void put_holders(struct page *page, const struct mig_gpu *gpu)
{
	for (unsigned int h = 0; h < gpu->holder_count; h++)
		put_holder_line(page, "the whole GPU", &gpu->holders[h]);
	for (unsigned int i = 0; i < gpu->gi_count; i++) {
		for (unsigned int c = 0; c < gpu->gi[i].ci_count; c++) {
			const struct mig_compute_instance *ci = &gpu->gi[i].ci[c];
			char where[64];

			mig_text_format(where, sizeof(where), "GI %u CI %u", gpu->gi[i].id, ci->id);
			for (unsigned int h = 0; h < ci->holder_count; h++)
				put_holder_line(page, where, &ci->holders[h]);
		}
	}
}

static void put_gpu(struct page *page, const struct mig_gpu *gpu)
{
	char text[256];

	page->y += PANEL_GAP;
	mig_text_format(text, sizeof(text), "GPU %u%s%s", gpu->index,
			gpu->is_lost ? "" : " \xc2\xb7 ", gpu->name);
	put_text(page, MARGIN, page->y, "title ink", text);
	page->y += LINE_HEIGHT + 2;
	mig_text_format(text, sizeof(text), "%s%s%s%s", gpu->pci_address,
			gpu->is_lost ? "" : " \xc2\xb7 ", mig_box_mode_text(gpu),
			gpu->mig_current && gpu->gi_count == 0 && !gpu->is_restricted
				? ", no instances"
				: "");
	put_text(page, MARGIN, page->y,
		 gpu->is_lost || mig_box_mode_is_pending(gpu) ? "wrong" : "faint", text);
	page->y += LINE_HEIGHT + 2;
	for (unsigned int i = 0; i < gpu->device_count; i++) {
		const struct mig_visible_device *device = &gpu->devices[i];

		mig_text_format(text, sizeof(text), "MIG device %u  %s  GI %u CI %u  %s",
				device->index, device->profile, device->gi_id, device->ci_id,
				device->uuid);
		put_text(page, MARGIN, page->y, "ink", text);
		page->y += LINE_HEIGHT;
	}
	if (gpu->facts != NULL && gpu->facts->units > 0 && gpu->mig_current) {
		put_boxes(page, gpu);
		put_room(page, gpu);
	}
	put_holders(page, gpu);
}

int mig_picture_svg(const struct mig_status_view *view, struct mig_buf *out)
{
	_cleanup_buf_ struct mig_buf body = MIG_BUF_INIT(out->max);
	struct page page = {.out = &body, .y = 0};

	for (unsigned int i = 0; i < view->snapshot->gpu_count; i++) {
		if (view->chosen[i])
			put_gpu(&page, &view->snapshot->gpus[i]);
	}
	mig_buf_printf(out,
		       "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%u\" "
		       "viewBox=\"0 0 %d %u\" role=\"img\">\n<title>migctl status</title>\n",
		       PAGE_WIDTH, page.y + 8, PAGE_WIDTH, page.y + 8);
	mig_buf_puts(out, style_sheet);
	mig_buf_puts(out, "<rect width=\"100%\" height=\"100%\" class=\"page\"/>\n");
	mig_buf_add(out, body.data, body.len);
	mig_buf_puts(out, "</svg>\n");
	return mig_buf_failed(&body) || mig_buf_failed(out) ? -1 : 0;
}
