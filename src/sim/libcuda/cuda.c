/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The libcuda.so.1 of a simulated node: says that there is no device.
 *
 * It stands before a real one, so that a CUDA program that is started on a simulated node cannot
 * reach a real GPU, and it is there for programs that look for the file. Nothing is computed. Has
 * the few functions that a program calls before it knows whether there is a device; knows no node.
 */
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))

/* CUresult, as documented in the CUDA driver API. */
enum {
	CUDA_ERROR_INVALID_VALUE = 1,
	CUDA_ERROR_NO_DEVICE = 100,
};

EXPORT int cuInit(unsigned int flags);
EXPORT int cuDriverGetVersion(int *version);
EXPORT int cuDeviceGetCount(int *count);
EXPORT int cuDeviceGet(int *device, int ordinal);
EXPORT int cuGetErrorName(int error, const char **text);
EXPORT int cuGetErrorString(int error, const char **text);
EXPORT int cuGetProcAddress(const char *symbol, void **function, int version,
			    unsigned long long flags);
EXPORT int cuGetProcAddress_v2(const char *symbol, void **function, int version,
			       unsigned long long flags, int *status);

int cuInit(unsigned int flags)
{
	(void)flags;
	return CUDA_ERROR_NO_DEVICE;
}

int cuDriverGetVersion(int *version)
{
	(void)version;
	return CUDA_ERROR_NO_DEVICE;
}

int cuDeviceGetCount(int *count)
{
	if (count)
		*count = 0;
	return CUDA_ERROR_NO_DEVICE;
}

int cuDeviceGet(int *device, int ordinal)
{
	(void)device;
	(void)ordinal;
	return CUDA_ERROR_NO_DEVICE;
}

static int get_text(int error, const char **text, const char *answer)
{
	if (!text || error != CUDA_ERROR_NO_DEVICE)
		return CUDA_ERROR_INVALID_VALUE;
	*text = answer;
	return 0;
}

int cuGetErrorName(int error, const char **text)
{
	return get_text(error, text, "CUDA_ERROR_NO_DEVICE");
}

int cuGetErrorString(int error, const char **text)
{
	return get_text(error, text, "no CUDA-capable device is detected");
}

int cuGetProcAddress(const char *symbol, void **function, int version, unsigned long long flags)
{
	(void)symbol;
	(void)version;
	(void)flags;
	if (function)
		*function = NULL;
	return CUDA_ERROR_NO_DEVICE;
}

int cuGetProcAddress_v2(const char *symbol, void **function, int version, unsigned long long flags,
			int *status)
{
	(void)status;
	return cuGetProcAddress(symbol, function, version, flags);
}
