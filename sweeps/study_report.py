def write_report(record, directory):
    return directory
