{
  "targets": [
    {
      "target_name": "pageferry_lz4",
      "type": "static_library",
      "sources": ["<!@(node scripts/c-library.mjs lz4 sources)"],
      "defines": ["LZ4LIB_VISIBILITY="],
      "cflags": ["-fPIC", "-fvisibility=hidden", "-O3"],
      "direct_dependent_settings": { "include_dirs": ["<!(node scripts/c-library.mjs lz4 include)"] }
    },
    {
      "target_name": "pageferry_zstd",
      "type": "static_library",
      "sources": ["<!@(node scripts/c-library.mjs zstd sources)"],
      # No assembly: docs/decisions/0034.
      "defines": ["ZSTDLIB_VISIBLE=", "ZSTDERRORLIB_VISIBLE=", "ZSTD_TRACE=0", "ZSTD_DISABLE_ASM=1"],
      "cflags": ["-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections", "-O3"],
      "direct_dependent_settings": { "include_dirs": ["<!(node scripts/c-library.mjs zstd include)"] }
    },
    {
      "target_name": "pageferry",
      "dependencies": ["pageferry_lz4", "pageferry_zstd"],
      "sources": ["<!@(find native -name '*.cc' ! -name '*_test.cc' ! -path 'native/fuzz/*' | LC_ALL=C sort)"],
      "include_dirs": ["native", "<!(node -p \"require('node-addon-api').include_dir\")"],
      "defines": ["NAPI_VERSION=9", "NODE_ADDON_API_CPP_EXCEPTIONS_ALL", "_GNU_SOURCE", "_FILE_OFFSET_BITS=64"],
      "cflags_cc!": [
        "-fno-exceptions",
        "-fno-rtti",
        "-std=gnu++17",
        "-std=gnu++20",
        "-std=c++17"
      ],
      "cflags_cc": [
        "-std=c++20",
        "-fexceptions",
        "-fvisibility=hidden",
        "-ffp-contract=off",
        "-O2",
        "-Wall",
        "-Wextra"
      ],
      # Threads, a signal handler and buffers that other threads hold call into it: a Worker that ends must not
      # unload it. The C++ library is linked in, because systems with an older one are to load the same binary, and
      # none of it is exported. What nobody calls is left out: it would ask for a newer C library. A function that this
      # Node does not bring, such as one of OpenSSL, fails the loading of the addon (now), and not a later call.
      "ldflags": [
        "-Wl,-z,nodelete",
        "-Wl,-z,now",
        "-static-libstdc++",
        "-Wl,--exclude-libs,ALL",
        "-Wl,--gc-sections"
      ]
    }
  ]
}
