/* Contexts of coroutines and their stacks. ASan must know on which stack the program runs, TSan
 * which logical thread it is; without a sanitizer both fall away. */
#include <sys/mman.h>

#include "base/assert.h"
#include "base/simulation_int.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#endif

#ifdef HAS_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#ifdef HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum {
    GUARD_BYTES = 4096,
    POOLED_STACKS_MAX = 256,
};

/* ---- sanitizers ---- */

static void before_switch(Fiber *from, const Fiber *to)
{
#ifdef HAS_ASAN
    __sanitizer_start_switch_fiber(&from->fake_stack, to->bottom, to->size);
#endif
#ifdef HAS_TSAN
    __tsan_switch_to_fiber(to->handle, 0);
#endif
    (void)from;
    (void)to;
}

static void after_switch(Fiber *self)
{
#ifdef HAS_ASAN
    __sanitizer_finish_switch_fiber(self->fake_stack, NULL, NULL);
#endif
    (void)self;
}

void simulation_forget_marks(const void *data, size_t size)
{
#ifdef HAS_ASAN
    __asan_unpoison_memory_region(data, size);
#endif
    (void)data;
    (void)size;
}

static void forget_frames(const Stack *stack)
{
    simulation_forget_marks(stack->memory, stack->size);
}

static void *create_handle(void)
{
#ifdef HAS_TSAN
    return __tsan_create_fiber(0);
#else
    return NULL;
#endif
}

static void destroy_handle(void *handle)
{
#ifdef HAS_TSAN
    __tsan_destroy_fiber(handle);
#endif
    (void)handle;
}

static void *own_handle(void)
{
#ifdef HAS_TSAN
    return __tsan_get_current_fiber();
#else
    return NULL;
#endif
}

/* ---- stacks ---- */

static Stack *make_stack(size_t size)
{
    Stack *stack = simulation_allocate(sizeof *stack);
    uint8_t *memory = mmap(NULL, size + GUARD_BYTES, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    ASSERT(memory != MAP_FAILED);
    ASSERT(mprotect(memory, GUARD_BYTES, PROT_NONE) == 0);
    stack->memory = memory + GUARD_BYTES;
    stack->size = size;
    forget_frames(stack);
    return stack;
}

static void free_stack(Stack *stack)
{
    ASSERT(munmap(stack->memory - GUARD_BYTES, stack->size + GUARD_BYTES) == 0);
    simulation_free(stack);
}

static Stack *take_stack(StackPool *pool, size_t size)
{
    for (Stack **at = &pool->unused; *at != NULL; at = &(*at)->next) {
        Stack *stack = *at;
        if (stack->size != size)
            continue;
        *at = stack->next;
        pool->count--;
        forget_frames(stack);
        return stack;
    }
    return make_stack(size);
}

static void give_stack(StackPool *pool, Stack *stack)
{
    if (pool->count >= POOLED_STACKS_MAX) {
        free_stack(stack);
        return;
    }
    stack->next = pool->unused;
    pool->unused = stack;
    pool->count++;
}

void stack_pool_close(StackPool *pool)
{
    while (pool->unused != NULL) {
        Stack *stack = pool->unused;
        pool->unused = stack->next;
        forget_frames(stack);
        free_stack(stack);
    }
    pool->count = 0;
}

/* ---- fibers ---- */

void fiber_open_own(Fiber *fiber)
{
    *fiber = (Fiber){.handle = own_handle()};
#ifdef HAS_ASAN
    pthread_attr_t attributes;
    void *bottom;
    size_t size;
    ASSERT(pthread_getattr_np(pthread_self(), &attributes) == 0);
    ASSERT(pthread_attr_getstack(&attributes, &bottom, &size) == 0);
    ASSERT(pthread_attr_destroy(&attributes) == 0);
    fiber->bottom = bottom;
    fiber->size = size;
#endif
}

/* makecontext passes ints only: the halves of a pointer. */
static void begin(unsigned high, unsigned low)
{
    Fiber *fiber = (Fiber *)(((uintptr_t)high << 32) | (uintptr_t)low);
    after_switch(fiber);
    fiber->run(fiber->argument);
    UNREACHABLE(); /* `run` leaves by fiber_switch */
}

static void prepare_context(Fiber *fiber)
{
    ASSERT(getcontext(&fiber->context) == 0);
    fiber->context.uc_stack.ss_sp = fiber->stack->memory;
    fiber->context.uc_stack.ss_size = fiber->stack->size;
    makecontext(&fiber->context, (void (*)(void))begin, 2, (unsigned)((uintptr_t)fiber >> 32),
                (unsigned)(uintptr_t)fiber);
    /* No longer needed, and ASan's swapcontext would clear its marks on this whole stack each time.
     */
    fiber->context.uc_stack = (stack_t){.ss_sp = NULL};
}

void fiber_open(Fiber *fiber, StackPool *pool, size_t stack_bytes, void (*run)(void *argument),
                void *argument)
{
    Stack *stack = take_stack(pool, stack_bytes);
    *fiber = (Fiber){.stack = stack,
                     .bottom = stack->memory,
                     .size = stack->size,
                     .handle = create_handle(),
                     .run = run,
                     .argument = argument};
    prepare_context(fiber);
}

void fiber_close(Fiber *fiber, StackPool *pool)
{
    destroy_handle(fiber->handle);
    if (fiber->stack != NULL)
        give_stack(pool, fiber->stack);
    *fiber = (Fiber){.stack = NULL};
}

void fiber_switch(Fiber *from, Fiber *to)
{
    before_switch(from, to);
    ASSERT(swapcontext(&from->context, &to->context) == 0);
    after_switch(from);
}
