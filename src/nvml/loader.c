/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading an NVML library: the bottom of every stack of drivers.
 *
 * The symbols, their look-up and the calls are generated from MIG_NVML_SYMBOLS. Names are looked up
 * without a symbol version (the vendor's libraries have none), the newest first. A missing optional
 * symbol is an ordinary answer, given when it is called. Nothing of the library is called here.
 */
#include "nvml/driver.h"

#include <dlfcn.h>
#include <stdint.h>
#include <string.h>

#include "shared/buf.h"

#define MISSING_TEXT_MAX 4096

/* The addresses in one library, by symbol number: NULL where it has none. */
struct library {
	void *handle;
	void *address[MIG_NVML_SYM_COUNT];
	char *name;
};

struct symbol_row {
	const char *name;
	const char *older; /* same signature, tried next; or NULL */
	bool is_required;
};

#define REQUIRED true
#define OPTIONAL false
#define ROW_CALL(symbol, need, branch, effect, older, params, args) \
	[MIG_NVML_SYM_##symbol] = {#symbol, older, need},
#define ROW_PLAIN(symbol, need, branch, effect) [MIG_NVML_SYM_##symbol] = {#symbol, NULL, need},
#define ROW_TEXT(symbol, need, branch, effect, params, args) \
	[MIG_NVML_SYM_##symbol] = {#symbol, NULL, need},
static const struct symbol_row symbol_rows[MIG_NVML_SYM_COUNT] = {
	MIG_NVML_SYMBOLS(ROW_CALL, ROW_PLAIN, ROW_TEXT)};

/*
 * The calls: take the address of this symbol in this library and go there. ISO C has no conversion
 * from an object pointer to a function pointer; POSIX requires that dlsym's result can be used so.
 */
#define ADDRESS(symbol) (((struct library *)driver->cookie)->address[MIG_NVML_SYM_##symbol])
#define DEFINE_CALL(symbol, need, branch, effect, older, params, args)                \
	static nvmlReturn_t library_##symbol(const struct mig_driver *driver,         \
					     MIG_NVML_UNWRAP params)                  \
	{                                                                             \
		nvmlReturn_t(*call) params = (nvmlReturn_t(*) params)ADDRESS(symbol); \
                                                                                      \
		return call == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : call args;      \
	}
#define DEFINE_PLAIN(symbol, need, branch, effect)                                   \
	static nvmlReturn_t library_##symbol(const struct mig_driver *driver)        \
	{                                                                            \
		nvmlReturn_t (*call)(void) = (nvmlReturn_t(*)(void))ADDRESS(symbol); \
                                                                                     \
		return call == NULL ? NVML_ERROR_FUNCTION_NOT_FOUND : call();        \
	}
#define DEFINE_TEXT(symbol, need, branch, effect, params, args)                     \
	static const char *library_##symbol(const struct mig_driver *driver,        \
					    MIG_NVML_UNWRAP params)                 \
	{                                                                           \
		const char *(*call)params = (const char *(*)params)ADDRESS(symbol); \
                                                                                    \
		return call == NULL ? "" : call args;                               \
	}
MIG_NVML_SYMBOLS(DEFINE_CALL, DEFINE_PLAIN, DEFINE_TEXT)

static void library_free(struct library *library)
{
	if (library == NULL)
		return;
	if (library->handle != NULL)
		dlclose(library->handle);
	free(library->name);
	free(library);
}

static void cleanup_library(struct library **library)
{
	library_free(*library);
}

static int library_close(struct mig_driver *driver)
{
	library_free(driver->cookie);
	driver->cookie = NULL;
	return 0;
}

static int load(struct library *library, struct mig_error **err)
{
	const char *why;

	library->handle = dlopen(library->name, RTLD_NOW | RTLD_LOCAL);
	if (library->handle != NULL)
		return 0;
	why = dlerror();
	mig_error_set(err, MIG_ERROR_NO_DRIVER, "cannot load the NVIDIA driver library '%s': %s",
		      library->name, why == NULL ? "unknown reason" : why);
	return mig_error_hint(err, "install the NVIDIA driver, or take a simulated node "
				   "('migctl sim create', then --node)");
}

static int look_up(struct library *library, struct mig_error **err)
{
	_cleanup_buf_ struct mig_buf missing = MIG_BUF_INIT(MISSING_TEXT_MAX);

	for (unsigned int i = 0; i < MIG_NVML_SYM_COUNT; i++) {
		const struct symbol_row *row = &symbol_rows[i];

		library->address[i] = dlsym(library->handle, row->name);
		if (library->address[i] == NULL && row->older != NULL)
			library->address[i] = dlsym(library->handle, row->older);
		if (library->address[i] == NULL && row->is_required)
			mig_buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", row->name);
	}
	if (missing.len == 0)
		return 0;
	return mig_error_set(err, MIG_ERROR_NO_DRIVER,
			     "'%s' is not a usable NVML library: it does not export %s",
			     library->name, mig_buf_text(&missing));
}

static void fill_vtable(struct mig_driver *driver, const struct library *library)
{
	for (unsigned int i = 0; i < MIG_NVML_SYM_COUNT; i++)
		driver->has[i] = library->address[i] != NULL;
#define FILL(symbol, ...) driver->symbol = library_##symbol;
	MIG_NVML_SYMBOLS(FILL, FILL, FILL)
#undef FILL
}

int mig_driver_open(const char *name, struct mig_driver **out, struct mig_error **err)
{
	_cleanup_(cleanup_library) struct library *library = calloc(1, sizeof(*library));
	struct mig_driver *driver;

	if (library == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	library->name = strdup(name == NULL ? MIG_NVML_LIBRARY : name);
	if (library->name == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	if (load(library, err) < 0 || look_up(library, err) < 0)
		return -1;
	driver = calloc(1, sizeof(*driver));
	if (driver == NULL)
		return mig_error_set(err, MIG_ERROR_NO_MEMORY, "out of memory");
	driver->name = library->name;
	driver->close = library_close;
	fill_vtable(driver, library);
	driver->cookie = MIG_TAKE_PTR(library);
	*out = driver;
	return 0;
}

int mig_driver_close(struct mig_driver *driver)
{
	int result;

	if (driver == NULL)
		return 0;
	result = driver->close(driver);
	free(driver);
	return result;
}

bool mig_driver_has(const struct mig_driver *driver, enum mig_nvml_symbol symbol)
{
	return symbol < MIG_NVML_SYM_COUNT && driver->has[symbol];
}

const char *mig_nvml_symbol_name(enum mig_nvml_symbol symbol)
{
	return symbol < MIG_NVML_SYM_COUNT ? symbol_rows[symbol].name : "";
}

bool mig_nvml_symbol_is_changing(enum mig_nvml_symbol symbol)
{
#define READS							     false
#define CHANGES							     true
#define EFFECT_CALL(name, need, branch, effect, older, params, args) [MIG_NVML_SYM_##name] = effect,
#define EFFECT_PLAIN(name, need, branch, effect)		     [MIG_NVML_SYM_##name] = effect,
#define EFFECT_TEXT(name, need, branch, effect, params, args)	     [MIG_NVML_SYM_##name] = effect,
	static const bool is_changing[MIG_NVML_SYM_COUNT] = {
		MIG_NVML_SYMBOLS(EFFECT_CALL, EFFECT_PLAIN, EFFECT_TEXT)};

	return symbol < MIG_NVML_SYM_COUNT && is_changing[symbol];
}
