//! The tables of modules and names that pickles import.

/// The classes of types in `numpy.dtypes`, such as `Float64DType`: letters and digits that end in `DType`. The module
/// has other members, which are not classes, and new versions of `NumPy` add classes.
pub(super) const ANY_DTYPE: &str = "*DType";

/// A module, and names in it.
pub(super) type Names = (&'static str, &'static [&'static str]);

/// Modules that run code, or reach files, processes or the network, with all modules below them.
#[rustfmt::skip]
pub(super) const MODULES: &[&str] = &[
    "_aix_support", "_ctypes", "_frozen_importlib", "_frozen_importlib_external", "_imp", "_osx_support", "_pickle",
    "_posixsubprocess", "_pyrepl", "_socket", "_thread", "aiohttp", "antigravity", "asyncio", "bdb", "cPickle",
    "cProfile", "cffi", "cloudpickle", "code", "codeop", "commands", "ctypes", "dill", "distutils", "doctest",
    "ensurepip", "filecmp", "fileinput", "ftplib", "gc", "glob", "http", "httplib", "idlelib", "imaplib", "importlib",
    "inspect", "keras.utils", "lib2to3", "marshal", "multiprocessing", "nntplib", "nt", "numpy.distutils",
    "numpy.f2py", "numpy.testing", "os", "pdb", "pexpect", "pickle", "pip", "pkgutil", "poplib", "posix", "profile",
    "pty", "pydoc", "requests", "runpy", "sched", "setuptools", "shelve", "shutil", "signal", "site", "smtplib",
    "socket", "socketserver", "ssl", "subprocess", "sys", "telnetlib", "tempfile", "tensorflow.python.ops.script_ops",
    "test", "threading", "timeit", "tkinter", "torch._dynamo", "torch._inductor", "torch.fx", "torch.hub",
    "torch.jit", "torch.utils.bottleneck", "torch.utils.collect_env", "torch.utils.cpp_extension", "trace", "turtle",
    "unittest", "urllib", "urllib2", "venv", "webbrowser", "xmlrpc", "zipimport",
];

/// Names that run code, or reach files, processes or the network, in modules that are otherwise harmless.
#[rustfmt::skip]
pub(super) const NAMES: &[Names] = &[
    ("builtins", &[
        "__build_class__", "__import__", "apply", "breakpoint", "compile", "delattr", "eval", "exec", "execfile",
        "exit", "file", "getattr", "globals", "help", "input", "locals", "open", "quit", "reload", "setattr", "vars",
    ]),
    ("io", &["FileIO", "open"]),
    ("_io", &["FileIO", "open"]),
    ("codecs", &["open"]),
    ("functools", &["partial", "partialmethod", "reduce"]),
    ("operator", &["attrgetter", "itemgetter", "methodcaller"]),
    ("types", &["CodeType", "FunctionType", "LambdaType", "MethodType", "ModuleType"]),
    ("logging", &["FileHandler"]),
    ("logging.config", &["dictConfig", "fileConfig"]),
    ("linecache", &["getlines"]),
    ("getpass", &["getpass"]),
    ("platform", &["popen"]),
    ("uuid", &["_get_command_stdout"]),
    ("sqlite3", &["connect"]),
    ("zipfile", &["ZipFile"]),
    ("tarfile", &["open"]),
    ("yaml", &["load", "unsafe_load"]),
    ("torch", &["load", "compile"]),
    ("torch.serialization", &["load"]),
    ("torch.utils._config_module", &["ConfigModule"]),
    ("joblib", &["load"]),
    ("joblib.numpy_pickle", &["load"]),
    ("numpy", &["load", "fromfile"]),
    ("pandas", &["read_pickle"]),
    ("pandas.io.pickle", &["read_pickle"]),
];

/// Names that harmless pickles import. [`ANY_DTYPE`] stands for many.
#[rustfmt::skip]
pub(super) const ALLOWED: &[Names] = &[
    ("builtins", &[
        "object", "set", "frozenset", "bytearray", "complex", "int", "float", "str", "bytes", "list", "dict", "tuple",
        "bool", "range", "slice",
    ]),
    ("collections", &["OrderedDict", "defaultdict", "Counter", "deque"]),
    ("datetime", &["date", "datetime", "time", "timedelta", "timezone"]),
    ("decimal", &["Decimal"]),
    ("fractions", &["Fraction"]),
    ("uuid", &["UUID"]),
    ("pathlib", &["Path", "PurePath", "PurePosixPath", "PureWindowsPath", "PosixPath", "WindowsPath"]),
    ("_codecs", &["encode"]),
    ("copyreg", &["_reconstructor", "__newobj__"]),
    ("numpy", &[
        "dtype", "ndarray", "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
        "float16", "float32", "float64", "complex64", "complex128",
    ]),
    ("numpy.core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy._core.multiarray", &["_reconstruct", "scalar"]),
    ("numpy.core.numeric", &["_frombuffer"]),
    ("numpy._core.numeric", &["_frombuffer"]),
    ("numpy.dtypes", &[ANY_DTYPE]),
    ("torch", &[
        "Size", "Tensor", "device", "dtype", "float16", "float32", "float64", "bfloat16", "int8", "int16", "int32",
        "int64", "uint8", "bool", "float8_e4m3fn", "float8_e5m2", "ByteStorage", "CharStorage", "ShortStorage",
        "IntStorage", "LongStorage", "HalfStorage", "FloatStorage", "DoubleStorage", "BFloat16Storage", "BoolStorage",
        "ComplexFloatStorage", "ComplexDoubleStorage", "QInt8Storage", "QUInt8Storage", "QInt32Storage",
        "QUInt4x2Storage", "QUInt2x4Storage", "UntypedStorage",
    ]),
    ("torch._utils", &[
        "_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_tensor_v3", "_rebuild_parameter",
        "_rebuild_parameter_with_state", "_rebuild_qtensor", "_rebuild_sparse_tensor",
        "_rebuild_meta_tensor_no_storage", "_rebuild_device_tensor_from_numpy",
    ]),
    ("torch.nn.parameter", &["Parameter"]),
    ("torch.storage", &["TypedStorage", "UntypedStorage", "_load_from_bytes"]),
    ("torch.serialization", &["_get_layout"]),
    ("joblib.numpy_pickle", &["NumpyArrayWrapper", "NDArrayWrapper"]),
];

/// Modules of Python 2 and implementations of modules, with the name of the module in Python 3 (`_compat_pickle`).
#[rustfmt::skip]
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("__builtin__", "builtins"), ("__builtins__", "builtins"), ("copy_reg", "copyreg"), ("_operator", "operator"),
    ("thread", "_thread"), ("dummy_thread", "_thread"), ("BaseHTTPServer", "http.server"),
    ("CGIHTTPServer", "http.server"), ("SimpleHTTPServer", "http.server"), ("cookielib", "http.cookiejar"),
    ("SocketServer", "socketserver"), ("Tkinter", "tkinter"), ("robotparser", "urllib.robotparser"),
    ("SimpleXMLRPCServer", "xmlrpc.server"), ("DocXMLRPCServer", "xmlrpc.server"), ("xmlrpclib", "xmlrpc.client"),
];

/// Names in the module `__builtin__` of Python 2, with the module and the name in Python 3 (`_compat_pickle`).
#[rustfmt::skip]
pub(super) const MOVED: &[(&str, &str, &str)] = &[
    ("basestring", "builtins", "str"), ("intern", "sys", "intern"), ("long", "builtins", "int"),
    ("reduce", "functools", "reduce"), ("unichr", "builtins", "chr"), ("unicode", "builtins", "str"),
    ("xrange", "builtins", "range"),
];
