# SPDX-License-Identifier: Apache-2.0
"""The whole life of MIG devices through pynvml, on the node that this is started on.

Run by test_pynvml.py, once with each pynvml. Prints what NVML answered as one JSON document; judges
nothing itself.
"""
import json

import pynvml as n


def answer(function, *args):
    """What the call gives, or the name of its error."""
    try:
        return function(*args)
    except n.NVMLError as error:
        return type(error).__name__


def text(value):
    """pynvml gives bytes or str, by version."""
    return value.decode() if isinstance(value, bytes) else value


def profiles(gpu):
    """{id: [slices, how many fit now]} of the GPU instance profiles."""
    found = {}
    for index in range(n.NVML_GPU_INSTANCE_PROFILE_COUNT):
        info = answer(n.nvmlDeviceGetGpuInstanceProfileInfo, gpu, index)
        if not isinstance(info, str):
            found[info.id] = [info.sliceCount,
                              n.nvmlDeviceGetGpuInstanceRemainingCapacity(gpu, info.id)]
    return found


def mig_device(gpu, index):
    device = n.nvmlDeviceGetMigDeviceHandleByIndex(gpu, index)
    memory, attributes = n.nvmlDeviceGetMemoryInfo(device), n.nvmlDeviceGetAttributes(device)
    return {
        'uuid': text(n.nvmlDeviceGetUUID(device)), 'name': text(n.nvmlDeviceGetName(device)),
        'gi': n.nvmlDeviceGetGpuInstanceId(device), 'ci': n.nvmlDeviceGetComputeInstanceId(device),
        'memory_mib': memory.total >> 20, 'used_mib': memory.used >> 20,
        'sm': attributes.multiprocessorCount, 'slices': attributes.gpuInstanceSliceCount,
        'attributes_memory_mib': attributes.memorySizeMB,
        'found_by_uuid': n.nvmlDeviceGetHandleByUUID(n.nvmlDeviceGetUUID(device)) is not None,
        'utilization': str(answer(n.nvmlDeviceGetUtilizationRates, device)),
        'temperature': str(answer(n.nvmlDeviceGetTemperature, device, 0)),
    }


def wait_for_event(events):
    """The type of the next event, or the name of the error."""
    data = answer(n.nvmlEventSetWait_v2, events, 5000)
    return data if isinstance(data, str) else data.eventType


def main():
    seen = {}
    n.nvmlInit()
    gpu = n.nvmlDeviceGetHandleByIndex(0)
    seen['driver'] = text(n.nvmlSystemGetDriverVersion())
    seen['before'] = n.nvmlDeviceGetMigMode(gpu)
    events = n.nvmlEventSetCreate()
    n.nvmlDeviceRegisterEvents(gpu, n.nvmlEventMigConfigChange, events)
    seen['activation'] = n.nvmlDeviceSetMigMode(gpu, n.NVML_DEVICE_MIG_ENABLE)
    seen['enabled'] = n.nvmlDeviceGetMigMode(gpu)
    seen['mode_event'] = wait_for_event(events)
    seen['profiles'] = profiles(gpu)
    instance = n.nvmlDeviceCreateGpuInstance(gpu, 9)
    info = n.nvmlGpuInstanceGetInfo(instance)
    seen['instance'] = [info.id, info.profileId, info.placement.start, info.placement.size]
    compute = n.nvmlGpuInstanceCreateComputeInstance(instance, 2)
    seen['profiles_after'] = profiles(gpu)
    seen['create_event'] = wait_for_event(events)
    seen['devices'] = [mig_device(gpu, 0)]
    seen['second_device'] = str(answer(n.nvmlDeviceGetMigDeviceHandleByIndex, gpu, 1))
    seen['destroy_too_early'] = str(answer(n.nvmlGpuInstanceDestroy, instance))
    n.nvmlComputeInstanceDestroy(compute)
    n.nvmlGpuInstanceDestroy(instance)
    seen['gone'] = str(answer(n.nvmlDeviceGetMigDeviceHandleByIndex, gpu, 0))
    seen['used_after_destroy'] = str(answer(n.nvmlGpuInstanceGetInfo, instance))
    seen['deactivation'] = n.nvmlDeviceSetMigMode(gpu, n.NVML_DEVICE_MIG_DISABLE)
    seen['after'] = n.nvmlDeviceGetMigMode(gpu)
    n.nvmlEventSetFree(events)
    n.nvmlShutdown()
    print(json.dumps(seen))


main()
