{
  "targets": [
    {
      "target_name": "pageferry_lz4",
      "type": "static_library",
      "variables": { "lz4_dir": "<!(node scripts/lz4-dir.mjs)" },
      "sources": ["<(lz4_dir)/lz4.c"],
      "defines": ["LZ4LIB_VISIBILITY="],
      "cflags": ["-fPIC", "-fvisibility=hidden", "-O3"],
      "direct_dependent_settings": { "include_dirs": ["<(lz4_dir)"] }
    },
    {
      "target_name": "pageferry",
      "dependencies": ["pageferry_lz4"],
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
